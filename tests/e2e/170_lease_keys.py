"""170: the key that signs leases is rolled, with the built programs.

Goal: agents follow the account from key to key, also over several steps that they missed, and take no lease by
a key that nobody vouches for; enrolling again is the way back.
"""

import contextlib
import json
import sqlite3

from over_http import wait_until
from support import EndToEnd, main


class LeaseKeys(EndToEnd):
    def known(self, agent):
        with open(f"{agent.folder}/state/identity.json", encoding="utf-8") as file:
            return [key["kid"] for key in json.load(file)["lease_keys"]]

    def leased(self, account):
        return sum(a["leased"].get("render", 0) for a in account.json("agent", "list", "studio")["agents"])

    def spend_all(self, agent, event):
        """More than it holds: what covers it is a lease that it is given from now on."""
        self.assertEqual(agent.report("render", event, duration_ms=10_000).status, 200)
        agent.until("render", lambda r: r["overage_units"] == 0, "a lease covers it")

    def test_agents_follow_from_key_to_key(self):
        account, agent = self.one_agent(unit="1s", amount=1000)
        first = self.known(agent)
        self.assertEqual(len(first), 1)
        second = account.command("lease-key", "roll")
        wait_until(lambda: self.known(agent) == first + [second], "the agent follows")
        self.spend_all(agent, "after one")
        agent.process.stop()
        account.command("lease-key", "roll")
        account.process.stop()
        account.start()
        last = account.command("lease-key", "roll")
        agent.start()
        wait_until(lambda: self.known(agent)[-1] == last, "the agent follows over what it missed")
        self.spend_all(agent, "after three")
        listed = account.json("lease-key", "list")["keys"]
        self.assertEqual([key["id"] for key in listed][::-1], self.known(agent))
        self.assertEqual([key["until"] is None for key in listed], [True, False, False, False])

    def test_a_key_that_nobody_vouches_for_signs_nothing_until_the_agent_enrolls_again(self):
        account, agent = self.one_agent(unit="1s", amount=1000)
        account.process.stop()
        with contextlib.closing(sqlite3.connect(f"{account.store}/account.db")) as database:
            database.execute("UPDATE lease_key SET vouched = NULL")
            database.commit()
        stranger = account.command("lease-key", "roll")
        with contextlib.closing(sqlite3.connect(f"{account.store}/account.db")) as database:
            database.execute("UPDATE lease_key SET vouched = NULL")
            database.execute("UPDATE agent SET session = NULL")
            database.commit()
        account.start()
        self.assertEqual(agent.report("render", "more", duration_ms=10_000).status, 200)
        wait_until(lambda: "vouches" in (agent.status()["account"]["last_error"] or ""), "the trouble is told")
        self.assertNotIn(stranger, self.known(agent))
        self.assertGreater(agent.resource("render")["overage_units"], 0)
        agent.enroll(account, "studio")
        self.assertEqual(self.known(agent), [stranger])
        agent.until("render", lambda r: r["overage_units"] == 0, "a lease covers it")


if __name__ == "__main__":
    main()
