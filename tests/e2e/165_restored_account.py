"""165: the account is restored from a backup, or its store is put back by hand, while agents hold newer leases.

Goal: the agents' signed leases are the backup of what is missing. The account learns what it had granted, gives
nothing to a team before it has heard of each of its agents, and in the end all usage is charged once.
"""

import os
import shutil

from over_http import wait_until
from support import EndToEnd, main


class RestoredAccount(EndToEnd):
    def charged(self, account, units):
        return wait_until(lambda: (c := account.card("studio", "render"))["charged_units"] == units and c,
                          f"{units} units are charged")

    def findings(self, account):
        audit = account.json("audit", "studio")
        self.assertTrue(audit["ok"], audit)
        return " ".join(audit["findings"])

    def test_a_backup_is_restored_while_agents_hold_newer_leases(self):
        account, one = self.one_agent(unit="1s", amount=100)
        two = self.agent("two").enroll(account, "studio", "render")
        self.assertEqual(one.report("render", "a", duration_ms=3000).status, 200)
        self.charged(account, 3)
        backup = f"{self.folder}/backup"
        account.command("backup", backup)
        self.assertEqual(os.stat(backup).st_mode & 0o777, 0o600)
        account.command("backup", backup, expect=1)  # it is there already
        account.command("restore", backup, expect=1)  # the service runs
        self.assertEqual(one.report("render", "b", duration_ms=9000).status, 200)
        self.assertEqual(two.report("render", "c", duration_ms=4000).status, 200)
        self.charged(account, 16)
        two.process.stop()
        account.process.stop()

        account.command("restore", backup)
        account.start()
        one.cli("sync")
        self.charged(account, 12)  # two is away: of its units nothing is known yet
        self.assertIn("its word is awaited", self.findings(account))
        self.assertTrue(one.status()["account"]["learning"])
        self.assertIn("until it has heard", one.cli("status"))
        before = one.card("render")["leased_units"]
        self.assertEqual(one.report("render", "d", duration_ms=1000 * (before + 5)).status, 200)
        one.until("render", lambda r: r["overage_units"] == 5, "nothing is granted while the account learns")
        one.cli("sync")
        self.assertEqual(one.resource("render")["overage_units"], 5)
        refused = one.session("render")
        self.assertEqual(refused.status, 402)
        self.assertIn("before it has heard all of the team's agents", refused.json["detail"])

        two.start()
        self.charged(account, 16 + before + 5)
        one.until("render", lambda r: r["overage_units"] == 0, "once all were heard, units come again")
        self.assertIn("restored from backup", self.findings(account))
        one.cli("sync")
        self.assertFalse(one.status()["account"]["learning"])
        usage = account.json("usage", "studio", "--by", "month")["rows"]
        self.assertEqual(sum(row["usage"] for row in usage), 1000 * (16 + before + 5))

    def test_an_agent_that_enrolled_after_the_backup_loses_nothing(self):
        account, one = self.one_agent(unit="1s", amount=100)
        backup = f"{self.folder}/backup"
        account.command("backup", backup)
        two = self.agent("two").enroll(account, "studio", "render")
        self.assertEqual(two.report("render", "a", duration_ms=4200).status, 200)
        self.charged(account, 4)
        account.process.stop()
        account.command("restore", backup)
        account.start()
        self.assertEqual(one.report("render", "b", duration_ms=3000).status, 200)
        self.assertEqual(two.report("render", "c", duration_ms=1000).status, 200)
        card = self.charged(account, 8)
        self.assertEqual(card["remainder"], 200)
        self.assertIn("restored from a backup of before it enrolled", self.findings(account))

    def test_a_grant_made_after_the_backup_is_forgotten_and_no_usage_is(self):
        account, one = self.one_agent(unit="1s", amount=100)
        self.assertEqual(one.report("render", "a", duration_ms=30_000).status, 200)
        self.charged(account, 30)
        backup = f"{self.folder}/backup"
        account.command("backup", backup)
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "flex", "--amount", "50")
        self.assertEqual(one.report("render", "b", duration_ms=90_400).status, 200)
        self.charged(account, 120)
        account.process.stop()
        account.command("restore", backup)
        account.start()
        one.cli("sync")
        card = self.charged(account, 100)  # all that the team has bought, as far as the account knows
        self.assertEqual(card["overage_units"], 20)
        self.assertEqual(card["remainder"], 400)
        wait_until(lambda: "went on as another" in self.findings(account),
                   "the agent goes on without the forgotten grant")
        self.assertNotIn("fenced", self.findings(account))
        self.assertIn(", 0 units of it are in doubt", self.findings(account))
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "flex", "--amount", "50")
        one.cli("sync")
        card = self.charged(account, 120)
        self.assertEqual(card["overage_units"], 0)
        usage = account.json("usage", "studio", "--by", "month")["rows"]
        self.assertEqual([sum(row[what] for row in usage) for what in ("usage", "units")], [120_400, 120])

    def test_a_store_put_back_by_hand_is_found_out(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=3000).status, 200)
        self.charged(account, 3)
        account.process.stop()
        copy = f"{self.folder}/copy.db"
        shutil.copy(f"{account.store}/account.db", copy)
        account.start()
        self.assertEqual(agent.report("render", "b", duration_ms=20000).status, 200)
        self.charged(account, 23)
        agent.until("render", lambda r: r["overage_units"] == 0, "all of it has units")
        account.process.stop()
        shutil.copy(copy, f"{account.store}/account.db")
        account.start()
        agent.cli("sync")
        self.charged(account, 23)
        self.assertIn("it was put back; epoch 2", self.findings(account))
        self.assertEqual(agent.report("render", "c", duration_ms=2000).status, 200)
        self.charged(account, 25)

    def put_back(self, account, copy):
        account.process.stop()
        shutil.rmtree(account.store)
        shutil.copytree(copy, account.store, ignore=shutil.ignore_patterns("*.sock"))
        account.start()

    def copy_of(self, account):
        account.process.stop()
        copy = f"{self.folder}/copy"
        shutil.copytree(account.store, copy, ignore=shutil.ignore_patterns("*.sock"))
        account.start()
        return copy

    def takes_a_lease(self, account, agent, units):
        """The next units are leased to it, and not only in the account's books."""
        agent.cli("sync")
        self.assertEqual(agent.report("render", f"more-{units}", duration_ms=2000).status, 200)
        self.charged(account, units + 2)
        agent.until("render", lambda r: r["overage_units"] == 0, "it has units for them")
        self.assertGreater(agent.card("render")["leased_units"], 0)

    def test_an_agent_takes_leases_of_an_account_that_has_forgotten_its_lease_key(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=1500).status, 200)
        self.charged(account, 1)
        copy = self.copy_of(account)
        account.command("lease-key", "roll")
        for event in ("b", "c"):
            agent.cli("sync")
            self.assertEqual(agent.report("render", event, duration_ms=4000).status, 200)
        self.charged(account, 9)
        self.put_back(account, copy)
        agent.cli("sync")
        self.charged(account, 9)
        self.takes_a_lease(account, agent, 9)

    def test_an_agent_that_a_backup_holds_for_lost_takes_leases_again(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        agent.cli("sync")
        name = account.json("agent", "list", "studio")["agents"][0]["id"]
        account.command("agent", "write-off", name, "--as", "hold")
        backup = f"{self.folder}/backup"
        account.command("backup", backup)
        agent.cli("sync")
        self.assertEqual(agent.report("render", "a", duration_ms=1000).status, 200)
        self.charged(account, 1)
        account.process.stop()
        account.command("restore", backup)
        account.start()
        agent.cli("sync")
        self.charged(account, 1)
        self.takes_a_lease(account, agent, 1)

    def test_an_epoch_that_the_account_has_forgotten_keeps_no_agent_from_its_leases(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        away = self.agent("away").enroll(account, "studio", "render")
        self.assertEqual(agent.report("render", "a", duration_ms=1000).status, 200)
        self.charged(account, 1)
        away.process.stop()
        name = next(a["id"] for a in account.json("agent", "list", "studio")["agents"] if a["name"] == "one")
        account.command("agent", "write-off", name, "--as", "hold")
        copy = self.copy_of(account)
        backup = f"{self.folder}/backup"
        account.command("backup", backup)
        agent.cli("sync")
        account.process.stop()
        account.command("restore", backup)
        account.start()
        agent.cli("sync")  # it goes on as another incarnation, in epoch 2, and has no lease while the account learns
        wait_until(lambda: agent.status()["account"]["learning"], "the account learns")
        self.put_back(account, copy)
        agent.cli("sync")
        away.start()
        self.takes_a_lease(account, agent, 1)


main()
