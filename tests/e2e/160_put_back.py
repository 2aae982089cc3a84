"""160: an agent's disk is put back from a copy, or copied and run twice.

Goal: the account tells the disk it knew from the other, which goes on as a new incarnation; everything
that was metered counts in full and no unit is charged twice. The second fence waits for the operator.
"""

import os
import shutil
import time

from over_http import request, wait_until
from support import EndToEnd, main


class PutBack(EndToEnd):
    def charged(self, account, units, remainder):
        def settled():
            card = account.card("studio", "render")
            said = (card["charged_units"], card["remainder"], card["overage_units"])
            return card if said == (units, remainder, 0) else None
        try:
            return wait_until(settled, f"{units} units are charged, {remainder} ms remain")
        except AssertionError as late:
            raise AssertionError(f"{late}; the card says {account.card('studio', 'render')}") from None

    def agent_id(self, account):
        return account.json("agent", "list", "studio")["agents"][0]["id"]

    def test_yesterdays_copy_counts_in_full_and_charges_nothing_twice(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=2500).status, 200)
        self.charged(account, 2, 500)
        agent.process.stop()
        yesterday = f"{self.folder}/yesterday"
        shutil.copytree(f"{agent.folder}/state", yesterday)
        agent.start()
        self.assertEqual(agent.report("render", "b", duration_ms=3200).status, 200)
        self.charged(account, 5, 700)
        agent.process.stop()
        shutil.rmtree(f"{agent.folder}/state")
        os.rename(yesterday, f"{agent.folder}/state")
        agent.start()
        self.assertEqual(agent.report("render", "c", duration_ms=1800).status, 200)
        # 5 700 ms were told before, 1 800 ms came since; what each left over waits apart.
        card = self.charged(account, 6, 1500)
        self.assertEqual(agent.status()["enrollment"]["state"], "enrolled")
        self.assertEqual(agent.report("render", "a", duration_ms=2500).json["duplicates"], 1)
        audit = account.json("audit", "studio")
        self.assertTrue(audit["ok"])
        self.assertIn("incarnation 1 was fenced", " ".join(audit["findings"]))
        self.assertEqual(card["available_units"],
                         100 - 6 - self.in_doubt(account))
        agent.cli("verify")

    def run_over_a_put_back(self, told):
        """What is counted in the end of a session that runs on all the while, and how long it ran, in s."""
        account, agent = self.one_agent(unit="1s", amount=100)
        agent.cli("sync")
        started = time.monotonic()
        self.assertEqual(agent.session("render", id="s").status, 201)

        def run_for(seconds):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(0.2)  # a product's heartbeats
                beat = request(agent.products, "PUT", "/v1/sessions/s/heartbeat")
                self.assertEqual(beat.status, 200, beat)

        run_for(1)
        agent.process.stop()
        shutil.copytree(f"{agent.folder}/state", f"{self.folder}/copy")
        agent.start()
        if not told:
            account.process.stop()
        run_for(4)
        if told:
            agent.cli("sync")
            self.assertGreaterEqual(account.card("studio", "render")["charged_units"], 4)
        agent.process.stop()
        shutil.rmtree(f"{agent.folder}/state")
        os.rename(f"{self.folder}/copy", f"{agent.folder}/state")
        agent.start()
        run_for(2)
        ended = request(agent.products, "DELETE", "/v1/sessions/s")
        took = time.monotonic() - started
        self.assertEqual(ended.status, 200, ended)
        if not told:
            account.start()
        agent.cli("sync")
        wait_until(lambda: agent.status()["pending"]["units"] == 0, "all is told")
        account.command("audit", "studio")
        card = account.card("studio", "render")
        return card["charged_units"] + card["overage_units"], took

    def test_a_session_that_runs_on_while_the_state_is_put_back_is_metered_once(self):
        counted, took = self.run_over_a_put_back(told=True)
        self.assertLessEqual(counted, took)
        self.assertGreater(counted, took - 3.5)  # two remainders, and less than a heartbeat at each end

    def test_what_the_journal_that_is_gone_had_not_told_counts_by_the_one_put_back(self):
        counted, took = self.run_over_a_put_back(told=False)
        self.assertLessEqual(counted, took)
        self.assertGreater(counted, took - 3.5)

    @staticmethod
    def in_doubt(account):
        agents = account.json("agent", "list", "studio")["agents"]
        return sum(sum(agent["in_doubt"].values()) for agent in agents)

    def test_of_two_copies_at_work_one_waits_for_the_operator_and_loses_nothing(self):
        account, one = self.one_agent(unit="1s", amount=100)
        self.assertEqual(one.report("render", "a", duration_ms=2500).status, 200)
        self.charged(account, 2, 500)
        one.process.stop()
        two = self.agent("two")
        two.process.stop()
        shutil.rmtree(f"{two.folder}/state")
        shutil.copytree(f"{one.folder}/state", f"{two.folder}/state")
        one.start()
        self.assertEqual(one.report("render", "b", duration_ms=3000).status, 200)
        self.charged(account, 5, 500)
        two.start()
        self.assertEqual(two.report("render", "c", duration_ms=4000).status, 200)
        self.charged(account, 9, 500)
        wait_until(lambda: one.status()["enrollment"]["state"] == "fenced", "the other is fenced, and waits")
        self.assertIn("agent allow " + self.agent_id(account), one.status()["account"]["last_error"])
        self.assertEqual(account.json("agent", "list", "studio")["agents"][0]["state"], "fenced")
        card = one.card("render")
        self.assertEqual((card["state"], card["reason"]), ("exhausted", "suspect"))
        journal = one.status()["journal"]  # though it wasn't when the agent began
        self.assertEqual(journal["state"], "suspect")
        self.assertIn("another copy of this agent's disk", journal["detail"])
        refused = one.session("render")
        self.assertEqual((refused.status, refused.json["reason"]), (402, "suspect"))
        self.assertEqual(one.report("render", "d", duration_ms=1000).status, 200)  # usage is a fact
        agent = self.agent_id(account)
        one.process.stop()
        one.start()
        self.assertEqual(one.session("render").status, 402)  # also after a restart
        one.process.stop()
        account.process.stop()
        one.restart()
        refused = one.session("render")  # and out of reach, where no sync cures it either
        self.assertEqual((refused.status, refused.json["reason"]), (402, "suspect"))
        self.assertIn("agent allow " + agent, refused.json["detail"])
        self.assertNotIn("sync", refused.json["detail"])
        account.start()

        two.process.stop()
        account.command("agent", "allow", self.agent_id(account))
        self.charged(account, 10, 500)
        wait_until(lambda: one.status()["enrollment"]["state"] == "enrolled", "it goes on")
        self.assertEqual(one.session("render").status, 201)
        account.command("audit", "studio")

    def test_a_revoked_agent_is_refused_and_its_units_wait_for_a_decision(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=2500).status, 200)
        card = self.charged(account, 2, 500)
        held = account.json("agent", "list", "studio")["agents"][0]["leased"]["render"]
        self.assertGreater(held, 0)
        account.command("agent", "revoke", self.agent_id(account))
        self.assertEqual(account.card("studio", "render")["available_units"], card["available_units"] - held)
        listed = account.json("agent", "list", "studio")["agents"][0]
        self.assertEqual((listed["state"], listed["in_doubt"]), ("revoked", {"render": held}))
        wait_until(lambda: "revoked" in (agent.status()["account"]["last_error"] or ""), "the agent is refused")
        account.command("agent", "write-off", self.agent_id(account), "--as", "release")
        self.assertEqual(account.card("studio", "render")["available_units"], card["available_units"])
        account.command("audit", "studio")

    def test_what_a_revoked_agent_is_refused_a_sync_does_not_cure(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        account.command("agent", "revoke", self.agent_id(account))
        wait_until(lambda: agent.status()["enrollment"]["state"] == "revoked", "the agent is refused")
        self.assertEqual(agent.report("render", "a", duration_ms=100_000).status, 200)  # all that it holds
        refused = agent.session("render")
        self.assertEqual((refused.status, refused.json["reason"]), (402, "exhausted"))
        self.assertIn("is revoked: if that is a mistake, give it a new state folder", refused.json["detail"])
        self.assertNotIn("sync", refused.json["detail"])

    def test_who_waits_for_agent_allow_is_told_so_when_refused(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.assertEqual(agent.report("render", "a", duration_ms=2500).status, 200)
        self.charged(account, 2, 500)
        agent.process.stop()
        copy = f"{self.folder}/copy"
        shutil.copytree(f"{agent.folder}/state", copy)
        agent.start()
        self.assertEqual(agent.report("render", "b", duration_ms=3000).status, 200)
        self.charged(account, 5, 500)
        for event, units in (("c", 6), ("d", None)):  # put back twice
            agent.process.stop()
            shutil.rmtree(f"{agent.folder}/state")
            shutil.copytree(copy, f"{agent.folder}/state")
            agent.start()
            self.assertEqual(agent.report("render", event, duration_ms=1000).status, 200)
            if units:
                self.charged(account, units, 500)
        wait_until(lambda: agent.status()["enrollment"]["state"] == "fenced", "an operator is waited for")
        refused = agent.session("render")
        self.assertEqual((refused.status, refused.json["reason"]), (402, "suspect"))
        self.assertIn(f"meterbox-account agent allow {self.agent_id(account)}", refused.json["detail"])
        self.assertNotIn("sync", refused.json["detail"])


main()
