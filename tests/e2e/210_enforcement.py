"""210: a resource's mode of enforcement decides what happens at its end, and changes while it is used.

Goal: under soft nobody is refused or stopped, and overage takes the first units that come; under none
usage is recorded and nothing else; what ran under none is never charged by a change of mode, and what
ran under hard offline, before the change was heard of, is.
"""

import time

from over_http import request, wait_until
from support import EndToEnd, main


class Enforcement(EndToEnd):
    def begin(self, enforcement, amount):
        self.account_ = self.account()
        self.account_.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "duration",
                              "--unit", "1s", "--enforcement", enforcement)
        self.account_.command("team", "add", "studio")
        self.grant(amount)
        self.one = self.agent().enroll(self.account_, "studio", "render")

    def grant(self, amount):
        self.account_.command("grant", "add", "studio", "--resource", "render", "--tier", "free",
                              "--amount", str(amount))

    def change_to(self, enforcement):
        self.account_.command("resource", "set", "render", "--enforcement", enforcement)
        self.one.until("render", lambda r: r["enforcement"] == enforcement, "the agent heard of the mode")

    def end(self, session):
        return request(self.one.products, "DELETE", f"/v1/sessions/{session}").json

    def counted(self):
        """M, out of what the agent shows."""
        resource, card = self.one.resource("render"), self.one.card("render")
        return 1_000 * (card["charged_units"] + resource["overage_units"]) + resource["remainder"]

    def usage(self):
        now = time.time()
        day = lambda at: time.strftime("%Y-%m-%d", time.gmtime(at))
        rows = self.account_.json("usage", "studio", "--from", day(now - 86_400), "--to", day(now + 86_400),
                                  "--by", "day")["rows"]
        return sum(row["usage"] for row in rows)

    def test_soft_stops_nobody_and_its_overage_is_drawn_first(self):
        self.begin("soft", 2)
        stream = self.one.stream("render", id="s1")
        self.assertEqual(stream.until_state("low")["exhausts_in_ms"], None)
        state = wait_until(lambda: (r := self.one.resource("render"))["overage_units"] >= 2 and r,
                           "it runs on, as overage")
        self.assertEqual((state["state"], state["enforcement"]), ("exhausted", "soft"))
        second = self.one.session("render", id="s2")
        self.assertEqual((second.status, second.json["state"]), (201, "low"))
        self.end("s2")
        metered = self.end("s1")["metered"]
        self.assertGreaterEqual(metered, 4_000)
        overage = wait_until(lambda: (c := self.account_.card("studio", "render"))["overage_units"] >= 2 and c,
                             "the account hears of the overage")["overage_units"]
        self.grant(50)
        wait_until(lambda: self.account_.card("studio", "render")["charged_units"] == 2 + overage,
                   "overage takes the first units that come")
        self.account_.command("audit", "studio")

    def test_under_none_usage_is_recorded_and_nothing_else(self):
        self.begin("none", 50)
        stream = self.one.stream("render", id="s1")
        self.assertEqual(stream.next()[1]["state"], "active")
        self.assertEqual(self.one.report("render", "e1", duration="PT1H").status, 200)
        wait_until(lambda: request(self.one.products, "GET", "/v1/sessions/s1").json["metered"] > 1_500,
                   "more than a unit has run")
        metered = self.end("s1")["metered"]
        wait_until(lambda: self.usage() == 3_600_000 + metered, "the account knows the usage")
        resource, card = self.one.resource("render"), self.account_.card("studio", "render")
        self.assertEqual((resource["state"], resource["remainder"], resource["overage_units"]), ("ok", 0, 0))
        self.assertEqual((card["state"], card["charged_units"], card["leased_units"], card["available_units"],
                          card["overage_units"], card["remainder"]), ("ok", 0, 0, 50, 0, 0))
        self.account_.command("audit", "studio")

    def test_a_change_to_hard_charges_nothing_that_ran_before(self):
        self.begin("none", 50)
        began = time.monotonic()
        stream = self.one.stream("render", id="s1")
        self.assertEqual(self.one.report("render", "e1", duration="PT10S").status, 200)
        wait_until(lambda: request(self.one.products, "GET", "/v1/sessions/s1").json["metered"] >= 2_500,
                   "it runs under none, and no checkpoint was made yet")
        free_ms = request(self.one.products, "GET", "/v1/sessions/s1").json["metered"]
        self.change_to("hard")
        changed = time.monotonic()
        wait_until(lambda: self.counted() >= 1_200, "it is charged from then on")
        metered = self.end("s1")["metered"]
        stream.close()
        free_at_most = int((changed - began) * 1_000) + 1
        self.assertLessEqual(self.counted(), metered - free_ms)
        self.assertGreaterEqual(self.counted(), metered - free_at_most)
        wait_until(lambda: self.usage() == 10_000 + metered, "all of it is recorded")
        self.account_.command("audit", "studio")

    def test_what_ran_under_hard_offline_is_charged_though_the_mode_is_none_by_then(self):
        self.begin("hard", 50)
        self.account_.process.kill()
        self.assertEqual(self.one.report("render", "e1", duration_ms=1_500).status, 200)
        self.account_.command("resource", "set", "render", "--enforcement", "none")
        self.assertEqual(self.one.resource("render")["enforcement"], "hard")
        self.account_.start()
        self.one.until("render", lambda r: r["enforcement"] == "none", "the mode arrives")
        self.assertEqual(self.one.report("render", "e2", duration="PT20S").status, 200)
        wait_until(lambda: self.usage() == 21_500, "all of it is recorded")
        card = self.account_.card("studio", "render")
        self.assertEqual((card["charged_units"], card["remainder"], card["state"]), (1, 500, "ok"))
        self.change_to("hard")
        self.assertEqual(self.one.report("render", "e3", duration_ms=500).status, 200)
        wait_until(lambda: self.account_.card("studio", "render")["charged_units"] == 2,
                   "the remainder is completed by what is counted again")
        self.account_.command("audit", "studio")


main()
