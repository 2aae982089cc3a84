"""./dev demo: meterbox at work, told so that it can be followed without reading code.

An account and two agents of one team run in a temporary folder on loopback; every command that is shown
is the one that runs, and every figure is read from the programs. What is claimed is checked: --exit ends
with 1 where a check fails. Without --exit everything stays up until Ctrl-C. Ends its own processes alone.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from over_http import wait_until  # noqa: E402
from support import BIN, Account, Agent  # noqa: E402

UNIT = 3_000  # ms
TEAM, RESOURCE = "studio", "render"


class Story:
    """Tells, runs and checks."""

    def __init__(self, folder):
        self.folder = folder
        self.failed = 0
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.environment = {**os.environ, "PATH": f"{os.path.abspath(BIN)}:{os.environ['PATH']}",
                            "METERBOX_ACCOUNT_STORE": f"{folder}/acc"}

    def _print(self, code, text):
        print(f"\033[{code}m{text}\033[0m" if self.colour else text, flush=True)

    def chapter(self, title):
        self._print("1", f"\n=== {title}")

    def say(self, text):
        print(text, flush=True)

    def check(self, claim, holds):
        self._print("32" if holds else "31", f"  [{'ok' if holds else 'FAILED'}] {claim}")
        self.failed += not holds

    def start(self, command):
        """A command that goes on while the story does."""
        self._print("36", f"  $ {command}")
        return subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=self.folder, env=self.environment,
                                start_new_session=True)

    def run(self, command, show=True, expect=0):
        """A command to its end; its standard output."""
        self._print("36", f"  $ {command}")
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        for line in done.stdout.strip().splitlines() if show else []:
            print(f"    {line}", flush=True)
        if done.returncode != expect:
            self.check(f"the command ends with {expect} (it was {done.returncode})", False)
        return done.stdout.strip()


class Demo:
    def __init__(self, folder):
        self.story = Story(folder)
        self.folder = folder
        self.account = Account(f"{folder}/acc")
        self.ada = Agent(f"{folder}/ada", "ada")
        self.bob = Agent(f"{folder}/bob", "bob")
        self.command = None

    # ---- what the programs say

    def team(self):
        return self.account.card(TEAM, RESOURCE)

    def team_until(self, what, condition):
        return wait_until(lambda: (card := self.team()) and condition(card) and card, what)

    def usage(self):
        """Milliseconds at the account, by agent's name."""
        names = {agent["id"]: agent["name"] for agent in self.account.json("agent", "list", TEAM)["agents"]}
        rows = self.account.json("usage", TEAM, "--from", "2000-01-01", "--to", "2100-01-01", "--by", "month")
        total = {"ada": 0, "bob": 0}
        for row in rows["rows"]:
            total[names.get(row["agent"], row["agent"])] += row["usage"]
        return total

    def balance(self):
        card = self.team()
        self.story.say(f"  -> team '{TEAM}': {card['available_units']} of {card['purchased_units']} units available, "
                       f"{card['used_percent']} % used, {card['charged_units']} charged, {card['state']}")
        return card

    # ---- what the story does

    def curl(self, agent, event_id, milliseconds):
        event = {"specversion": "1.0", "source": "/demo", "id": event_id, "type": RESOURCE,
                 "data": {"duration_ms": milliseconds}}
        return json.loads(self.story.run(
            f"curl -s --unix-socket {agent.name}/products.sock http://meterbox/v1/events"
            f" -H 'Content-Type: application/cloudevents+json' -d '{json.dumps(event)}'"))

    def metered(self, agent, command):
        return (f"meterbox --socket {agent.name}/admin.sock --products-socket {agent.name}/products.sock "
                f"run --resource {RESOURCE} -- {command}")

    def set_up(self):
        story = self.story
        story.chapter("1. An account, a team that bought 12 units, two agents")
        story.say(f"One unit is {UNIT // 1000} seconds of processing here. All of it is below {self.folder}, "
                  "on loopback and Unix sockets.\n")
        self.account.start()
        story.say(f"  meterbox-account serves agents on {self.account.url}")
        story.run(f"meterbox-account resource add {RESOURCE} --kind exhaustible --measure duration --unit 3s")
        story.run(f"meterbox-account team add {TEAM}")
        story.run(f"meterbox-account grant add {TEAM} --resource {RESOURCE} --tier free --amount 12")
        for agent in (self.ada, self.bob):
            agent.start()
            token = story.run(f"meterbox-account agent token {TEAM}", show=False)
            story.say("    (a one-time token)")
            story.run(f"meterbox --socket {agent.name}/admin.sock enroll {self.account.url} --token {token}")
            agent.until(RESOURCE, lambda r: r["available_units"] > 0, "the first lease")
        card = self.balance()
        story.check("12 of 12 are available", (card["available_units"], card["purchased_units"]) == (12, 12))

    def whole_units(self):
        story = self.story
        story.chapter("2. A product reports usage: only whole units are charged")
        story.say("A product on ada's machine reports 2 seconds. That fills no unit: nothing is charged, nothing lost.")
        self.curl(self.ada, "frame-1", 2_000)
        card = self.ada.card(RESOURCE)
        story.check(f"0 charged, {card['remainder']} ms wait for the rest of their unit",
                    (card["charged_units"], card["remainder"]) == (0, 2_000))
        story.say("One more second completes the unit.")
        self.curl(self.ada, "frame-2", 1_000)
        self.team_until("1 unit is charged", lambda c: c["charged_units"] == 1)
        card = self.balance()
        story.check("1 charged, 11 of 12 available", (card["charged_units"], card["available_units"]) == (1, 11))
        story.say("The product didn't hear the answer and says it again. The same event counts once.")
        answer = self.curl(self.ada, "frame-2", 1_000)
        story.check("acknowledged as a duplicate, charged once",
                    (answer["accepted"], answer["duplicates"], self.team()["charged_units"]) == (0, 1, 1))

    def a_real_command(self):
        story = self.story
        story.chapter("3. A real command runs under the meter")
        work = "sh -c 'for frame in 1 2 3 4; do sleep 1; echo rendered frame $frame; done'"
        before = time.monotonic()
        story.run(self.metered(self.ada, work))
        took = int((time.monotonic() - before) * 1000)
        remainder = self.ada.resource(RESOURCE)["remainder"]
        self.team_until("the second unit is charged", lambda c: c["charged_units"] == 2)
        self.balance()
        story.check(f"{UNIT + remainder} ms were metered: one unit more is charged, {remainder} ms wait",
                    4_000 <= UNIT + remainder <= took)

    def first_come(self):
        story = self.story
        story.chapter("4. Two agents share the pool: first come, first served")
        story.say("bob comes first, with 5 units of work.")
        self.curl(self.bob, "night-job", 5 * UNIT)
        self.team_until("bob's units are charged", lambda c: c["charged_units"] == 7)
        wait_until(lambda: self.bob.resource(RESOURCE)["overage_units"] == 0, "bob is served in full")
        self.balance()
        story.check("bob is served in full: 7 of 12 are charged", self.team()["charged_units"] == 7)

        self.bob.cli("sync")
        reserve = self.bob.card(RESOURCE)["leased_units"]
        left = 5 - reserve
        story.say(f"ada comes second and wants {left + 2} units. {reserve} of the 5 left are leased to bob already, "
                  f"so that bob could go on\nwithout the account; the other {left} are ada's. "
                  "2 units more were really used: never refused, never forgotten.")
        self.curl(self.ada, "long-job", (left + 2) * UNIT)
        self.ada.until(RESOURCE, lambda r: r["overage_units"] == 2, "ada has what was left")
        self.team_until("the pool is used up", lambda c: c["charged_units"] == 12 - reserve)
        self.balance()
        story.check(f"ada got {left}, and 2 units are kept as overage", True)
        story.say("New work on ada is refused before it starts (exit code 4).")
        story.run(self.metered(self.ada, "touch started"), expect=4)
        story.check("the command was not started", not os.path.exists(f"{self.folder}/started"))
        story.say("The team buys 12 more. What was used beyond the balance takes its units first.")
        story.run(f"meterbox-account grant add {TEAM} --resource {RESOURCE} --tier free --amount 12")
        self.team_until("the overage is charged", lambda c: c["charged_units"] == 14 - reserve)
        card = self.balance()
        story.check("24 bought, ada's 2 units of overage are charged",
                    (card["purchased_units"], card["overage_units"]) == (24, 0))

    def without_the_account(self):
        story = self.story
        story.chapter("5. The account is gone, and ada's agent is killed in the middle")
        self.ada.cli("sync")
        before = self.usage()
        self.ada.until(RESOURCE, lambda r: r["available_units"] >= 2, "ada has a lease to work with")
        self.account.process.kill()
        story.say("  kill -9 of meterbox-account: from here on ada decides alone, by its signed lease.")
        lease = self.ada.resource(RESOURCE)
        story.say(f"  -> ada may run {lease['available']} ms more. A command that would never end:")
        started = time.monotonic()
        self.command = story.start(self.metered(self.ada, "sh -c 'while :; do sleep 0.1; done'"))
        wait_until(lambda: time.monotonic() - started > lease["available"] / 3_000, "a third of the lease is used")
        pid = self.ada.process.pid
        self.ada.kill()
        story.say(f"  kill -9 {pid}: ada's agent is dead. The command runs on. Start it again:")
        self.ada.start()
        self.story.say("  meterboxd --config ada/agent.toml")
        code = self.command.wait(120)
        took = int((time.monotonic() - started) * 1000)
        story.say(f"  -> the command was told to stop after {took} ms, and meterbox run ended with {code}.")
        story.check("stopped for lack of balance (4)", code == 4)
        mine = self.ada.resource(RESOURCE)
        story.check("nothing is left of the lease, and not a millisecond was used beyond it",
                    (mine["available"], mine["remainder"], mine["overage_units"]) == (0, 0, 0))
        story.say("Still without the account, new work is refused:")
        story.run(self.metered(self.ada, "touch started"), expect=4)
        return before, lease["available"]

    def back_again(self, before, lease):
        story = self.story
        story.chapter("6. The account is back: each unit is charged once")
        self.account.start()
        story.say("  meterbox-account serves again; the agents come by themselves.")
        expected = before["ada"] + lease
        usage = wait_until(lambda: (u := self.usage())["ada"] >= expected and u, "ada's usage is at the account")
        for agent in (self.ada, self.bob):
            agent.cli("sync")
        story.check(f"ada metered {before['ada']} ms before and {lease} ms alone: the account knows {usage['ada']}",
                    usage["ada"] == expected)
        units = usage["ada"] // UNIT + usage["bob"] // UNIT
        self.team_until("every completed unit is charged", lambda c: c["charged_units"] >= units)
        card = self.balance()
        story.check(f"{usage['ada']} + {usage['bob']} ms are {units} whole units, and {units} are charged",
                    card["charged_units"] == units)
        story.check("what is charged and what is available make up what was bought",
                    card["charged_units"] + card["available_units"] == card["purchased_units"] == 24)
        answer = self.curl(self.ada, "frame-1", 2_000)
        story.check("the very first report is still known", answer["duplicates"] == 1)
        story.say("The account recomputes every balance from its ledger:")
        story.run(f"meterbox-account audit {TEAM}")

    def tell(self):
        self.set_up()
        self.whole_units()
        self.a_real_command()
        self.first_come()
        self.back_again(*self.without_the_account())

    def stay(self):
        self.story.chapter("Everything is still running")
        print(f"""  status of ada, over loopback with its token:
    curl -s -H 'Authorization: Bearer {self.ada.token}' http://127.0.0.1:{self.ada.port}/status
  or over its admin socket, without one:
    curl -s --unix-socket {self.folder}/ada/admin.sock http://meterbox/status
  the command line:
    {os.path.abspath(BIN)}/meterbox --socket {self.folder}/ada/admin.sock status
    {os.path.abspath(BIN)}/meterbox-account --store {self.folder}/acc balance {TEAM}
  Ctrl-C ends it all and cleans up.""", flush=True)
        while True:
            signal.pause()

    def end(self):
        if self.command and self.command.poll() is None:
            os.killpg(self.command.pid, signal.SIGKILL)
        for program in (self.ada, self.bob, self.account):
            if program.process and program.process.alive():
                program.process.kill()


def main():
    if sys.argv[1:] not in ([], ["--exit"]):
        print("usage: ./dev demo [--exit]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="meterbox-demo-")
    demo = Demo(folder)
    try:
        demo.tell()
        failed = demo.story.failed
        print(f"\n{failed} checks failed." if failed else "\nAll of it worked.", flush=True)
        if not sys.argv[1:]:
            demo.stay()
        return 1 if failed else 0
    except AssertionError as error:
        print(f"\nThe demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncleaning up", flush=True)
        return 1 if demo.story.failed else 0
    finally:
        demo.end()
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
