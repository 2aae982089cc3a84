"""246: the account's PostgreSQL is gone for good, and its stand-by is promoted, with the account's process running.

Goal: the process finds the new primary by itself, through a URL that names both. With synchronous replication all is
there. With a stand-by that lacks the last transactions the account finds out by its agents' first hellos, and learns
from them what is missing: all usage is charged once.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from over_http import wait_until
from postgres import SKIPPED, Cluster, binaries
from support import Account, EndToEnd, main


class StandbyPromoted(EndToEnd):
    def run(self, result=None):
        with Cluster() as self.primary, Cluster(self.primary) as self.standby:
            return super().run(result)

    def account(self):
        account = Account(f"{self.folder}/acc", self.primary.url(standby=self.standby))
        self.programs.append(account)
        return account.start()

    def charged(self, account, units):
        wait_until(lambda: account.card("studio", "render")["charged_units"] == units, f"{units} units are charged")
        audit = account.json("audit", "studio")
        self.assertTrue(audit["ok"], audit)
        return audit

    def promoted(self):
        self.primary.stop("immediate")
        self.standby.promote()

    def test_what_was_acknowledged_is_on_a_stand_by_that_is_waited_for(self):
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.sql("SELECT pg_reload_conf()")
        wait_until(lambda: self.primary.sql("SELECT sync_state FROM pg_stat_replication") == "sync", "it follows")
        account, agent = self.one_agent(unit="1s", amount=100)
        epoch = self.primary.sql("SELECT epoch FROM meterbox.account")
        self.assertEqual(agent.report("render", "a", duration_ms=3_000).status, 200)
        self.charged(account, 3)
        self.promoted()
        self.assertEqual(agent.report("render", "b", duration_ms=4_000).status, 200)
        self.charged(account, 7)
        self.assertTrue(account.process.alive())
        self.assertEqual(self.standby.sql("SELECT epoch FROM meterbox.account"), epoch)
        self.assertEqual(self.standby.sql("SELECT count(*) FROM meterbox.incident"), "0", "nothing is missing")

    def test_what_a_stand_by_lacks_is_learned_from_the_agents(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=3_000).status, 200)
        self.charged(account, 3)
        here = self.primary.sql("SELECT pg_current_wal_lsn()")
        wait_until(lambda: self.standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{here}'") == "t", "it has followed")
        self.standby.stop()  # and follows no more
        self.assertEqual(agent.report("render", "b", duration_ms=20_000).status, 200)
        self.charged(account, 23)
        agent.until("render", lambda r: r["overage_units"] == 0, "all of it has units")
        self.primary.stop("immediate")
        self.standby.start()
        self.standby.promote()
        self.assertEqual(self.standby.sql("SELECT sum(units) FROM meterbox.ledger WHERE to_ = 'charged'"), "3")
        self.assertEqual(agent.report("render", "c", duration_ms=2_000).status, 200)
        self.charged(account, 25)
        self.assertNotEqual(self.standby.sql("SELECT count(*) FROM meterbox.incident"), "0", "it was found out")


if __name__ == "__main__":
    if binaries() is None:
        print("skipped: PostgreSQL's server isn't installed (Debian: postgresql)")
        sys.exit(SKIPPED)
    main()
