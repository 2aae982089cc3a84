"""SIGKILL in a loop under load: nothing that was acknowledged is lost, and nothing counts twice.

Goal: products report over several connections and run sessions while the daemon is killed again and
again (METERBOX_KILLS times), one time in three also while it starts. What was acknowledged is there, once, whatever
was retried; a session whose product lives on has metered every millisecond; one whose product died with the daemon
is at most 5 s short; the journal is whole. At the end all usage is the sum of what was reported and what the
sessions say, to the millisecond.
"""

import json
import os
import random
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from over_http import UnixConnection, exchange, request, wait_until  # noqa: E402
from support import EndToEnd, main  # noqa: E402

KILLS = int(os.environ.get("METERBOX_KILLS", "20"))
SEED = int(os.environ.get("METERBOX_SEED", str(random.SystemRandom().randrange(1 << 30))))
REPORTERS = 6
CHECKPOINT_MS = 5_000
KILLS_BETWEEN_VERIFICATIONS = 50


class Reporter(threading.Thread):
    """One product: reports events one after another and sends each again until it is acknowledged."""

    def __init__(self, path, seed):
        super().__init__(daemon=True)
        self.path = path
        self.random = random.Random(seed)
        self.enough = threading.Event()
        self.amount = 0      # of the events that were acknowledged
        self.events = 0
        self.again = 0       # acknowledged as a duplicate: the first answer was lost
        self.wrong = []
        self.connection = None

    def ask(self, body):
        while True:
            try:
                if self.connection is None:
                    self.connection = UnixConnection(self.path, timeout=10)
                return exchange(self.connection, "POST", "/v1/events", body,
                                {"Content-Type": "application/cloudevents+json"})
            except (OSError, EOFError, ValueError) as _:
                self.drop()
            except Exception as error:  # http.client has many ways to say that the other end is gone
                if type(error).__module__ != "http.client":
                    raise
                self.drop()

    def drop(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        time.sleep(0.005)

    def run(self):
        while not self.enough.is_set():
            amount = self.random.randrange(1, 5_000)
            identity = str(uuid.UUID(int=self.random.getrandbits(128)))
            event = {"specversion": "1.0", "source": "/kill-loop", "id": identity,
                     "type": "render", "data": {"duration_ms": amount}}
            answer = self.ask(json.dumps(event))
            if answer.status != 200 or answer.json["accepted"] + answer.json["duplicates"] != 1:
                self.wrong.append(repr(answer))
                return
            self.again += answer.json["duplicates"]
            self.events += 1
            self.amount += amount
        self.drop()


class LivingSession:
    """A product with a session by connection that comes back after each kill, with the same id."""

    def __init__(self, agent):
        self.agent = agent
        self.id = "living-" + uuid.uuid4().hex
        self.earliest = time.monotonic()
        self.stream = agent.stream("render", id=self.id)
        self.latest = time.monotonic()

    def come_back(self):
        self.stream.close()
        self.stream = self.agent.stream("render", id=self.id)
        return self.stream.status

    def end(self):
        before = time.monotonic()
        ended = request(self.agent.products, "DELETE", f"/v1/sessions/{self.id}").json
        after = time.monotonic()
        return ended["metered"], (before - self.latest) * 1000 - 1, (after - self.earliest) * 1000 + 1


class Killer:
    """Ends the daemon, and starts it again; whoever starts may be killed meanwhile, at any moment of it."""

    def __init__(self, agent, chance):
        self.agent = agent
        self.chance = chance
        self.kills = 0
        self.while_starting = 0
        self.start_seconds = 0.05

    def kill(self):
        self.agent.kill()
        self.kills += 1

    def start(self):
        while self.kills < KILLS and self.chance.random() < 1 / 3:
            self.agent.launch()
            time.sleep(self.chance.uniform(0.0, self.start_seconds))  # when the kill comes is chance, here too
            self.kill()
            self.while_starting += 1
        began = time.monotonic()
        self.agent.restart()
        self.start_seconds = time.monotonic() - began


class KillLoop(EndToEnd):
    def test_nothing_acknowledged_is_lost_or_counted_twice(self):
        chance = random.Random(SEED)
        account, agent = self.one_agent(unit="20m", amount=1_000_000, heartbeat="5s", sync_interval="1s")
        reporters = [Reporter(agent.products, chance.getrandbits(64)) for _ in range(REPORTERS)]
        for reporter in reporters:
            reporter.start()
        living = LivingSession(agent)
        dead = []  # (id, least, most) of sessions whose product died with the daemon
        killer = Killer(agent, chance)
        while killer.kills < KILLS:
            # Where a busy machine lets no sync end between two kills, what is leased runs out, and who runs is stopped.
            wait_until(lambda: agent.resource("render")["available_units"] >= 2, "the agent has a lease to go on with")
            began = time.monotonic()
            product = agent.stream("render", id="dead-" + uuid.uuid4().hex)
            started = time.monotonic()
            self.assertEqual(product.status, 201)
            session = product.next()[1]["id"]
            time.sleep(chance.uniform(0.0, 0.4))  # when the kill comes is chance: that is the test
            least = (time.monotonic() - started) * 1000
            killer.kill()
            product.close()
            dead.append((session, least - CHECKPOINT_MS, (time.monotonic() - began) * 1000 + 1))
            killer.start()
            self.assertEqual(living.come_back(), 200)
            if len(dead) % KILLS_BETWEEN_VERIFICATIONS == 0:
                agent.cli("verify")
        for reporter in reporters:
            reporter.enough.set()
        for reporter in reporters:
            reporter.join(30)
            self.assertFalse(reporter.is_alive(), "a reporter never got its answer")
            self.assertEqual(reporter.wrong, [])
        metered, least, most = living.end()
        self.assertGreaterEqual(metered, least)
        self.assertLessEqual(metered, most)
        wait_until(lambda: not agent.get("/v1/sessions").json["sessions"], "the dead sessions are over")
        sessions = metered
        for session, shortest, longest in dead:
            shown = agent.get(f"/v1/sessions/{session}").json
            self.assertEqual(shown["state"], "ended")
            self.assertGreaterEqual(shown["metered"], shortest)
            self.assertLessEqual(shown["metered"], longest)
            sessions += shown["metered"]
        reported = sum(reporter.amount for reporter in reporters)
        agent.cli("sync")
        usage = account.json("usage", "studio", "--from", "2020-01-01", "--to", "2100-01-01", "--by", "month")
        self.assertEqual(sum(row["usage"] for row in usage["rows"]), reported + sessions)
        resource = agent.resource("render")
        self.assertEqual(resource["remainder"], (reported + sessions) % 1_200_000)
        card = account.card("studio", "render")
        self.assertEqual(card["charged_units"], (reported + sessions) // 1_200_000)
        self.assertTrue(account.json("audit", "studio")["ok"])
        agent.cli("verify")
        events = sum(reporter.events for reporter in reporters)
        again = sum(reporter.again for reporter in reporters)
        print(f"kill loop: seed {SEED}, {killer.kills} kills ({killer.while_starting} while it started), {events} "
              f"events acknowledged, of which {again} were sent again after a lost answer, {len(dead) + 1} sessions: "
              "0 lost, 0 doubled, 0 ms wrong", file=sys.stderr)


if __name__ == "__main__":
    main()
