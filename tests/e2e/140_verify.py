"""140: the journal's chain shows whether anything was changed behind the agent's back.

Goal: `meterbox verify` finds the journal of a working agent whole, also while it is written; after a change to
its database it ends with 1 and names the first link that isn't as it was committed, and nothing is spent
until the account has answered hello; without a daemon it ends with 3. The account is told the chain's head
and acknowledges it.
"""

import json
import sqlite3
import threading

from support import EndToEnd, main, wait_until


class Verify(EndToEnd):
    def setUp(self):
        self.account_, self.one = self.one_agent(unit="20m")

    def test_the_journal_of_a_working_agent_is_whole(self):
        enough = threading.Event()

        def work():
            number = 0
            while not enough.is_set():
                self.one.report("render", f"w{number}", duration_ms=1_000)
                number += 1

        product = threading.Thread(target=work)
        product.start()
        try:
            reports = [json.loads(self.one.cli("--json", "verify")) for _ in range(5)]
        finally:
            enough.set()
            product.join()
        self.assertTrue(all(report["ok"] and report["broken"] is None for report in reports), reports)
        heads = [report["head"]["sequence"] for report in reports]
        self.assertEqual(heads, sorted(heads))
        self.assertEqual(self.one.process.stop(), 0)
        self.one.start()
        self.assertIn("the journal is whole", self.one.cli("verify"))

    def test_a_change_behind_its_back_is_named(self):
        for number in range(20):
            self.one.report("render", f"r{number}", duration_ms=60_000)
        self.assertEqual(self.one.process.stop(), 0)
        with sqlite3.connect(f"{self.one.folder}/state/journal.db") as database:
            database.execute("UPDATE event SET amount = 1 WHERE seq = 5")
            link, = database.execute("SELECT min(seq) FROM link WHERE last_event >= 5").fetchone()
        database.close()
        self.one.start()
        report = json.loads(self.one.cli("--json", "verify", expect=1))
        self.assertEqual((report["ok"], report["broken"]["sequence"]), (False, link))
        self.assertIn("events 5 to 5", report["broken"]["what"])

    def test_a_broken_chain_is_suspect_until_the_account_has_answered_once(self):
        self.one.report("render", "r", duration_ms=60_000)
        self.one.cli("sync")
        self.assertEqual(self.one.process.stop(), 0)
        with sqlite3.connect(f"{self.one.folder}/state/journal.db") as database:
            database.execute("UPDATE event SET amount = 1")
        database.close()
        self.one.start()
        self.one.cli("sync")
        self.assertEqual(self.account_.process.stop(), 0)
        self.one.cli("verify", expect=1)
        wait_until(lambda: self.one.status()["journal"]["state"] == "suspect", "nothing is spent")
        self.assertIn("chain is broken", self.one.status()["journal"]["detail"])
        refused = self.one.session("render")
        self.assertEqual((refused.status, refused.json["reason"]), (402, "suspect"))
        self.assertEqual(self.one.report("render", "s", duration_ms=60_000).status, 200)  # usage is a fact
        self.account_.start()
        self.one.cli("sync")
        self.assertEqual(self.one.status()["journal"]["state"], "ok")
        self.one.cli("verify", expect=1)  # as it was, and settled
        self.one.cli("sync")
        self.assertEqual(self.one.status()["journal"]["state"], "ok")

    def test_units_added_to_the_lease_while_it_was_stopped_are_not_taken_over(self):
        self.one.report("render", "r", duration_ms=1_200_000)
        self.assertEqual(self.account_.process.stop(), 0)
        self.assertEqual(self.one.process.stop(), 0)
        with sqlite3.connect(f"{self.one.folder}/state/journal.db") as database:
            database.execute("UPDATE tranche SET granted = granted + 5")
        database.close()
        self.one.restart()
        journal = self.one.status()["journal"]
        self.assertEqual((journal["state"], journal["set_aside"]), ("suspect", ["journal.db.damaged-1"]))
        self.assertIn("are not those that were committed", journal["damage"])

    def test_without_a_daemon_nothing_is_said_of_the_journal(self):
        self.assertEqual(self.one.process.stop(), 0)
        self.one.cli("verify", expect=3)

    def test_the_account_acknowledges_the_head(self):
        self.one.report("render", "r", duration_ms=1_200_000)
        self.one.cli("sync")
        self.one.cli("sync")
        head = json.loads(self.one.cli("--json", "verify"))["head"]
        self.assertEqual(self.one.process.stop(), 0)
        self.assertEqual(self.account_.process.stop(), 0)
        with sqlite3.connect(f"{self.one.folder}/state/journal.db") as journal:
            links = dict(journal.execute("SELECT seq, lower(hex(hash)) FROM link"))
        journal.close()
        with sqlite3.connect(f"{self.account_.store}/account.db") as database:
            known, text = database.execute("SELECT acknowledged, acknowledged_hash FROM agent").fetchone()
        database.close()
        self.assertEqual(links[known], text)
        self.assertLessEqual(known, head["sequence"])


main()
