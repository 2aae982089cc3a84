"""175: an agent retires, with the built programs.

Goal: what it used is charged, what it left fills units with what others left, and the rest of its lease is the
team's again; killed in between, or with the account away, it goes on until the account has answered.
"""

import json

from over_http import request, wait_until
from support import EndToEnd, main


class Retire(EndToEnd):
    def two_agents(self):
        account = self.account()
        account.team("studio", "render", "1s", 100)
        agents = [self.agent(name).enroll(account, "studio", "render") for name in ("one", "two")]
        return account, agents

    def settled(self, account, charged):
        card = account.card("studio", "render")
        self.assertEqual(card["charged_units"], charged)
        self.assertEqual(card["available_units"], 100 - charged)
        self.assertTrue(account.json("audit", "studio")["ok"], account.json("audit", "studio"))
        return card

    def states(self, account):
        return {a["name"]: a["state"] for a in account.json("agent", "list", "studio")["agents"]}

    def test_remainders_of_agents_that_retire_add_up(self):
        account, (one, two) = self.two_agents()
        self.assertEqual(one.report("render", "1", duration_ms=1500).status, 200)
        self.assertEqual(two.report("render", "2", duration_ms=700).status, 200)
        two.cli("sync")
        one.cli("retire")
        self.assertEqual(self.settled(account, 1)["remainder"], 500 + 700)
        two.cli("retire")
        card = self.settled(account, 2)
        self.assertEqual(card["remainder"], 200)
        self.assertLessEqual(card["leased_units"], 1)  # the slot that the rest has begun
        for agent in (one, two):
            self.assertEqual(self.states(account)[agent.name], "retired")

    def test_a_retired_agent_stays_so_and_takes_nothing(self):
        account, (one, _) = self.two_agents()
        self.assertEqual(one.report("render", "1", duration_ms=1000).status, 200)
        one.cli("retire")
        for _ in range(2):
            self.assertEqual(one.status()["enrollment"]["state"], "retired")
            refused = one.report("render", "2", duration_ms=1000)
            self.assertEqual((refused.status, refused.json["type"]), (503, "urn:meterbox:error:not-enrolled"))
            self.assertEqual(one.report("render", "1", duration_ms=1000).status, 503)
            session = request(one.products, "POST", "/v1/sessions", '{"resource":"render"}')
            self.assertEqual(session.status, 503)
            token = account.command("agent", "token", "studio")
            order = json.dumps({"url": account.url, "token": token})
            for answer in (refused, session, request(one.admin, "POST", "/v1/sync"),
                           request(one.admin, "POST", "/v1/enroll", order)):
                self.assertIn(" is retired: to use this machine again, give it a new, empty state folder",
                              answer.json["detail"])
            self.assertEqual(one.resource("render")["available_units"], 0)
            one.cli("retire")
            one.cli("sync", expect=1)
            one.kill()
            one.restart()
        self.settled(account, 1)

    def test_who_runs_is_told_to_stop_and_counted_to_the_end(self):
        account, (one, _) = self.two_agents()
        started = request(one.products, "POST", "/v1/sessions", '{"resource":"render","id":"beating"}')
        self.assertEqual(started.status, 201)
        wait_until(lambda: request(one.products, "PUT", "/v1/sessions/beating/heartbeat").json["metered"] > 1000,
                   "it has run for a while")
        one.cli("retire")
        shown = request(one.products, "GET", "/v1/sessions/beating").json
        self.assertEqual(shown["state"], "ended")
        card = account.card("studio", "render")
        self.assertEqual(card["charged_units"] * 1000 + card["remainder"] + card["overage_units"] * 1000,
                         shown["metered"])

    def test_what_is_held_goes_back_with_the_agent(self):
        account, (one, _) = self.two_agents()
        account.command("resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1")
        account.command("grant", "add", "studio", "--resource", "seats", "--tier", "free", "--amount", "5")
        one.cli("sync")
        held = request(one.products, "POST", "/v1/sessions", '{"resource":"seats","id":"bench","quantity":3}')
        self.assertEqual(held.status, 201, held)
        one.cli("retire")
        self.assertEqual(request(one.products, "GET", "/v1/sessions/bench").json["state"], "ended")
        seats = account.card("studio", "seats")
        self.assertEqual((seats["available_units"], seats["leased_units"], seats["charged_units"]), (5, 0, 0))

    def test_killed_with_the_account_away_it_goes_on_by_itself(self):
        account, (one, _) = self.two_agents()
        account.process.stop()
        one.cli("retire", expect=3)
        status = one.status()
        self.assertEqual((status["enrollment"]["state"], status["enrollment"]["retiring"]), ("enrolled", True))
        self.assertTrue(status["account"]["last_error"])
        self.assertEqual(one.report("render", "meanwhile", duration_ms=1300).status, 200)
        one.kill()
        one.restart()
        self.assertTrue(one.status()["enrollment"]["retiring"])
        account.start()
        wait_until(lambda: one.status()["enrollment"]["state"] == "retired", "the account has answered")
        self.assertFalse(one.status()["enrollment"]["retiring"])
        self.assertEqual(self.settled(account, 1)["remainder"], 300)
        usage = account.json("usage", "studio", "--by", "day")["rows"]
        self.assertEqual(sum(row["usage"] for row in usage), 1300)


if __name__ == "__main__":
    main()
