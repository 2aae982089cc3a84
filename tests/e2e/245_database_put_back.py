"""245: the account's PostgreSQL is put back from a dump while agents hold newer leases.

Goal: with `restore`, which begins a new epoch, and also when nobody says that it was put back, the account learns
from its agents what came after the dump, and all usage is charged once. While a process serves, `restore` is
refused.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from over_http import wait_until
from postgres import SKIPPED, Cluster, binaries
from support import Account, EndToEnd, main


class DatabasePutBack(EndToEnd):
    def run(self, result=None):
        with Cluster() as self.cluster:
            self.cluster.sql("CREATE DATABASE account TEMPLATE template0")
            return super().run(result)

    def account(self):
        account = Account(f"{self.folder}/acc", self.cluster.url("account"))
        self.programs.append(account)
        return account.start()

    def charged(self, account, units):
        wait_until(lambda: account.card("studio", "render")["charged_units"] == units, f"{units} units are charged")
        audit = account.json("audit", "studio")
        self.assertTrue(audit["ok"], audit)
        return " ".join(audit["findings"])

    def dump(self):
        dump = os.path.join(self.cluster.folder, "dump")
        self.cluster.program("pg_dump", "-Fc", "-f", dump, "account")
        return dump

    def put_back(self, dump):
        self.cluster.sql("DROP DATABASE account")
        self.cluster.program("pg_restore", "-C", "-d", "postgres", dump)

    def live_on(self, account, agent):
        """Usage and leases that the dump has nothing of."""
        self.assertEqual(agent.report("render", "b", duration_ms=20_000).status, 200)
        self.charged(account, 23)
        agent.until("render", lambda r: r["overage_units"] == 0, "all of it has units")

    def test_restore_begins_an_epoch_and_the_account_learns(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=3_000).status, 200)
        self.charged(account, 3)
        dump = self.dump()
        self.live_on(account, agent)
        account.command("backup", f"{self.folder}/backup", expect=1)
        account.command("restore", dump, expect=2)  # that is PostgreSQL's to put back
        account.command("restore", expect=3)  # the service runs
        account.process.stop()

        self.put_back(dump)
        account.command("restore")
        account.start()
        agent.cli("sync")
        self.assertIn("was put back: epoch 2", self.charged(account, 23))
        self.assertEqual(agent.report("render", "c", duration_ms=2_000).status, 200)
        self.charged(account, 25)

        account.process.stop()  # the same dump once more: it knows nothing of the second epoch
        self.put_back(dump)
        account.command("restore", "--epoch", "1", expect=2)
        account.command("restore", "--epoch", "3")
        account.start()
        agent.cli("sync")
        self.assertIn("was put back: epoch 3", self.charged(account, 25))
        self.assertEqual(agent.report("render", "d", duration_ms=1_000).status, 200)
        self.charged(account, 26)

    def test_what_nobody_told_is_found_out(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=3_000).status, 200)
        self.charged(account, 3)
        dump = self.dump()
        self.live_on(account, agent)
        account.process.stop()
        self.put_back(dump)
        account.start()
        agent.cli("sync")
        self.assertIn("it was put back; epoch 2", self.charged(account, 23))
        self.assertEqual(agent.report("render", "c", duration_ms=2_000).status, 200)
        self.charged(account, 25)


if __name__ == "__main__":
    if binaries() is None:
        print("skipped: PostgreSQL's server isn't installed (Debian: postgresql)")
        sys.exit(SKIPPED)
    main()
