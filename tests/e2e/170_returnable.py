"""170: capacity that is checked out and comes back.

Goal: worked example 8, and what surrounds it: a checkout is granted wholly or not at all, what is held
stays held through restarts and the end of its grant, out of reach an agent hands out again what it
holds, and whoever dies gives back.
"""

import json
import subprocess
from datetime import datetime, timedelta, timezone

from over_http import request, wait_until
from support import EndToEnd, main


class Returnable(EndToEnd):
    def capacity(self, amount, agents=("one",), **settings):
        self.account_ = self.account()
        self.account_.command("team", "add", "studio")
        self.account_.command("resource", "add", "asset", "--kind", "returnable", "--measure", "count",
                              "--unit", "1")
        if amount:
            self.grant(amount)
        started = [self.agent(name, **{"sync_interval": "1h", **settings}) for name in agents]
        for agent in started:
            agent.enroll(self.account_, "studio", "asset" if amount else None)
        return started if len(started) > 1 else started[0]

    def grant(self, amount, *more):
        return self.account_.command("grant", "add", "studio", "--resource", "asset", "--tier", "free",
                                     "--amount", str(amount), *more)

    def product(self, agent, quantity):
        """A process that holds so many, by its connection."""
        return subprocess.Popen(
            ["curl", "-sN", "--unix-socket", agent.products, "-H", "Accept: text/event-stream", "--json",
             json.dumps({"resource": "asset", "quantity": quantity}), "http://localhost/v1/sessions"],
            stdout=subprocess.DEVNULL)

    def held(self, units, what):
        return wait_until(lambda: (c := self.account_.card("studio", "asset"))["charged_units"] == units
                          and c["leased_units"] == units and c, what)

    def end(self, agent, session):
        return request(agent.products, "DELETE", f"/v1/sessions/{session.json['id']}")

    def refused(self, answer, available):
        self.assertEqual((answer.status, answer.error), (402, "exhausted"), answer)
        self.assertEqual((answer.json["resource"], answer.json["reason"], answer.json["available_units"]),
                         ("asset", "exhausted", available))

    def test_worked_example_8(self):
        one = self.capacity(1000)
        first, second = self.product(one, 600), self.product(one, 400)
        try:
            card = self.held(1000, "both hold what they took")
            self.assertEqual((card["available_units"], card["purchased_units"], card["state"]),
                             (0, 1000, "exhausted"))
            refused = one.session("asset")
            self.refused(refused, 0)
            self.assertIn("all 1000 of asset are held; the end of a session", refused.json["detail"])
            self.assertEqual(len(one.get("/v1/sessions").json["sessions"]), 2)
            self.assertEqual(self.account_.card("studio", "asset")["charged_units"], 1000)
            first.kill()
            first.wait()
            card = self.held(400, "the 600 are back")
            self.assertEqual(card["available_units"], 600)
            refused = one.session("asset", quantity=601)
            self.refused(refused, 600)
            self.assertIn("600 of the 1000 of asset", refused.json["detail"])
            taken = one.session("asset", quantity=600)
            self.assertEqual((taken.status, taken.json["quantity"], taken.json["state"]), (201, 600, "active"))
            self.assertEqual(self.end(one, taken).json["metered"], 0)
            self.held(400, "they came back")
        finally:
            for product in (first, second):
                product.kill()
                product.wait()
        self.held(0, "all are back")
        usage = self.account_.json("usage", "studio", "--from", "2020-01-01", "--to", "2100-01-01",
                                   "--by", "month")["rows"]
        self.assertEqual({row["usage"] for row in usage}, {1000})
        self.account_.command("audit", "studio")

    def test_what_was_held_in_all_may_be_more_than_one_grant_can_be(self):
        one = self.capacity(2**40, sync_interval="1s")
        for _ in range(3):
            taken = one.session("asset", quantity=2**39)
            self.assertEqual(taken.status, 201, taken)
            self.end(one, taken)
            self.held(0, "it came back")
        one.cli("sync")
        self.assertTrue(one.status()["account"]["reachable"], one.status()["account"])
        self.account_.command("audit", "studio")

    def test_two_machines_share_the_capacity_and_none_has_a_reserve(self):
        a, b = self.capacity(10, ("a", "b"))
        self.assertEqual(self.account_.card("studio", "asset")["leased_units"], 0)
        held = a.session("asset", quantity=7)
        self.assertEqual(held.status, 201)
        self.refused(b.session("asset", quantity=4), 3)
        self.held(7, "a refused checkout holds nothing")
        small = b.session("asset", quantity=3)
        self.assertEqual(small.status, 201)
        self.assertEqual(b.resource("asset")["available"], 0)
        self.end(a, held)
        self.held(3, "given back at once, to the account")
        self.assertEqual(b.session("asset", quantity=7).status, 201)
        self.account_.command("audit", "studio")

    def test_out_of_reach_an_agent_hands_out_again_what_it_holds(self):
        one = self.capacity(10)
        held = one.session("asset", quantity=4)
        self.account_.process.kill()
        refused = one.session("asset")
        self.refused(refused, 0)
        self.assertIn("is in use and the account is out of reach", refused.json["detail"])
        self.end(one, held)
        self.assertEqual(one.resource("asset")["available"], 4)
        self.assertEqual(one.session("asset", quantity=5).status, 402)
        again = one.session("asset", quantity=3)
        self.assertEqual(again.status, 201)
        one.kill()
        one.restart()
        one.until("asset", lambda r: r["available"] == 1, "out of reach it has one left")
        self.assertEqual(one.get(f"/v1/sessions/{again.json['id']}").json["state"], "active")
        self.account_.start()
        one.cli("sync")
        self.held(3, "what nobody holds is given back")
        self.account_.command("audit", "studio")

    def test_the_end_of_a_grant_stops_checkouts_and_no_holding(self):
        one = self.capacity(0)
        ends = (datetime.now(timezone.utc) + timedelta(seconds=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.grant(5, "--ends", ends)
        held = one.session("asset", quantity=2)
        self.assertEqual(held.status, 201)
        one.until("asset", lambda r: (r["state"], r["available"]) == ("ended", 0), "the grant has ended")
        refused = one.session("asset")
        self.assertEqual((refused.status, refused.json["reason"]), (402, "ended"))
        kept = one.get(f"/v1/sessions/{held.json['id']}").json
        self.assertEqual((kept["state"], kept["quantity"]), ("active", 2))
        self.assertEqual(one.card("asset")["overage_units"], 2)
        one.cli("sync")
        self.assertEqual(self.account_.card("studio", "asset")["overage_units"], 2)
        self.grant(3)
        one.cli("sync")
        self.assertEqual(one.card("asset")["overage_units"], 0)
        self.assertEqual(one.session("asset", quantity=2).status, 402)
        self.assertEqual(one.session("asset").status, 201)
        self.account_.command("audit", "studio")

    def test_run_holds_one_while_its_command_runs(self):
        one = self.capacity(1)
        shown = one.cli("run", "--resource", "asset", "--", "curl", "-s", "--unix-socket", one.products,
                        "http://localhost/v1/resources/asset")
        self.assertEqual(json.loads(shown)["available"], 0)
        self.held(0, "it is back")
        held = one.session("asset")
        one.cli("run", "--resource", "asset", "--", "true", expect=4)
        self.end(one, held)

    def test_what_is_wrong_is_refused_with_its_reason(self):
        one = self.capacity(1)
        self.assertEqual(one.report("asset", "e1", quantity=1).status, 422)
        for quantity in (0, -1, 1.5, "2"):
            self.assertEqual(one.session("asset", quantity=quantity).status, 422, quantity)
        self.assertEqual(one.session("asset", quantity=2 ** 53 - 1).status, 402)
        for mode in ("soft", "none"):
            self.account_.command("resource", "set", "asset", "--enforcement", mode)
            one.cli("sync")
            self.assertEqual(one.session("asset", quantity=2 ** 40 + 1).status, 422, mode)
        most = one.session("asset", quantity=2 ** 40)
        self.assertEqual(most.status, 201)
        self.end(one, most)
        self.account_.command("resource", "set", "asset", "--enforcement", "hard")
        one.cli("sync")
        first = one.session("asset", id="mine")
        self.assertEqual((first.status, one.session("asset", id="mine").status), (201, 200))
        self.assertEqual(one.session("asset", id="mine", quantity=2).status, 409)
        add = ("resource", "add", "other", "--kind", "returnable", "--measure")
        self.account_.command(*add, "duration", "--unit", "1s", expect=2)
        self.account_.command(*add, "count", "--unit", "2", expect=2)
        self.account_.command(*add, "count", "--unit", "1", "--price", "1", "--currency", "EUR", expect=2)
        self.account_.command(*add, "count", "--unit", "1", "--rate-flex", "1", expect=2)
        self.account_.command("grant", "add", "studio", "--resource", "asset", "--tier", "payg",
                              "--cap", "5", expect=2)


main()
