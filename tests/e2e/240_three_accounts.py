"""240: three processes of the account on one PostgreSQL serve one pool.

Goal: agents ask for one pool through whichever process answers, one process is killed in the middle of it, another
is started anew: nothing is oversold, nothing is booked twice, no agent's session ends, and the audit of every
process finds the same. While the database is away nothing is acknowledged; when it is back the processes go on,
and what was acknowledged is there; put back from a dump, it begins a new epoch and learns.
"""

import contextlib
import http.client
import os
import random
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from over_http import wait_until
from pooled_agent import PROCESSES, PooledAccounts, PooledAgent
from postgres import SKIPPED, binaries
from raw_agent import Peer
from support import BIN, Account, EndToEnd, main, run, tail

AGENTS = 8
ROUNDS = int(os.environ.get("METERBOX_ROUNDS", "40"))  # of each agent


class ThreeAccounts(PooledAccounts):
    def sum_of(self, agents, what):
        return sum(sum(getattr(agent, what).values()) for agent in agents)

    def rows_of(self, table):
        return self.cluster.sql(f"SELECT * FROM meterbox.{table} AS t ORDER BY t")

    def sessions_of(self):
        return self.cluster.sql("SELECT id FROM meterbox.session ORDER BY id")

    def test_one_pool_through_three_processes_one_of_them_killed(self):
        amount = 10 * ROUNDS  # less than they ask for
        accounts = self.processes()
        accounts[0].team("studio", "render", "1s", amount)
        agents = [PooledAgent(accounts[0], "studio", f"{self.folder}/a{i}") for i in range(AGENTS)]
        for agent in agents:
            agent.connect(accounts)
        sessions = self.sessions_of()
        half = threading.Barrier(AGENTS + 1)
        failures = []

        def live(number, agent):
            dice = random.Random(number)
            try:
                for turn in range(ROUNDS):
                    if turn == ROUNDS // 2:
                        half.wait()
                    agent.round(dice)
            except Exception as error:  # told by the test's own thread
                failures.append(error)
                half.abort()

        threads = [threading.Thread(target=live, args=each) for each in enumerate(agents)]
        for thread in threads:
            thread.start()
        try:
            half.wait()
        except threading.BrokenBarrierError:
            raise failures[0] from None
        accounts[1].process.signal(signal.SIGKILL)  # all of them are in the middle of something
        accounts[1].process.process.wait()
        accounts[1].start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        dice = random.Random(0)
        for agent in agents:
            agent.round(dice)  # what it used last is told, and a lease that was on its way is asked for again

        self.assertEqual(self.sessions_of(), sessions, "a process that starts ends nobody's session")
        self.assertLessEqual(self.sum_of(agents, "granted"), amount, "what agents hold was sold once")
        cards = [account.card("studio", "render") for account in accounts]
        self.assertEqual(cards[0]["charged_units"], self.sum_of(agents, "used"))
        self.assertEqual(cards[0]["purchased_units"], amount)
        for card in cards:
            self.assertEqual((card["charged_units"], card["available_units"]),
                             (cards[0]["charged_units"], cards[0]["available_units"]))
        leased = sum(a["leased"].get("render", 0) for a in accounts[0].json("agent", "list", "studio")["agents"])
        self.assertEqual(leased, self.sum_of(agents, "granted") - self.sum_of(agents, "used"))
        for account in accounts:
            account.command("audit", "studio")
            status, answer = Peer(account, port=account.admin_listen).ask("GET", "/readyz")
            self.assertEqual(status, 200, answer)

    def test_a_database_that_goes_away_and_comes_back_is_served_on_and_nothing_is_lost(self):
        first, second = self.processes(2)
        first.team("studio", "render", "1s", 100)
        agent = PooledAgent(first, "studio", f"{self.folder}/a")
        agent.connect([first, second])
        dice = random.Random(1)
        for _ in range(5):
            agent.round(dice)
        asked = {first: (agent.peer_of(first), "POST", "/v1/hello", agent.hello_body()),
                 second: (Peer(second, port=second.admin_listen), "GET", "/readyz")}  # as who shares the load does
        session = self.sessions_of()
        self.cluster.stop("immediate")
        for account, (peer, *question) in asked.items():
            self.assertEqual(peer.ask(*question)[0], 503, "nothing is acknowledged")
            self.assertEqual(peer.ask(*question)[0], 503)
            said = [line for line in tail(account.process.log, 100).splitlines() if "store.unreachable" in line]
            self.assertEqual(len(said), 1, "it is said once")
        down = run(f"{BIN}/meterbox-account", "--store", self.cluster.url(), "team", "list", expect=3)
        self.assertEqual(down, "")
        self.cluster.start()
        for peer, *question in asked.values():
            self.assertEqual(peer.ask(*question)[0], 200)
        self.assertNotIn(session, self.sessions_of(), "nobody served: each agent says hello")
        agent.hello()
        agent.round(dice)
        self.assertEqual(first.card("studio", "render")["charged_units"], sum(agent.used.values()))
        second.command("audit", "studio")

    def test_a_process_ends_with_nothing_written_once_a_newer_program_has_raised_the_schema(self):
        accounts = self.processes(2)
        accounts[0].team("studio", "render", "1s", 100)
        agent = PooledAgent(accounts[0], "studio", f"{self.folder}/a")
        agent.connect(accounts)
        agent.round(random.Random(2))
        tables = ("session", "agent", "ledger", "holding", "usage")
        rows = [self.rows_of(table) for table in tables]
        for account in accounts:  # it asks each for its CA
            agent.peer_of(account)
        self.cluster.sql("UPDATE meterbox.schema_version SET version = version + 1")
        for account in accounts:
            try:
                status, answer = agent.peer_of(account).post("/v1/hello", agent.hello_body(nonce="0" * 32))
                self.assertEqual(status, 503, answer)
            except (OSError, http.client.HTTPException):  # it ends, and may do so before its answer has left
                pass
            self.assertEqual(account.process.process.wait(60), 1)
            self.assertIn("start it again, as the newer program", tail(account.process.log, 3))
        self.assertEqual([self.rows_of(table) for table in tables], rows)


if __name__ == "__main__":
    if binaries() is None:
        print("skipped: PostgreSQL's server isn't installed (Debian: postgresql)")
        sys.exit(SKIPPED)
    main()
