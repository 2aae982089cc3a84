"""060: the agents of a team share one pool, first come first served, and it is never oversold.

Goal: two agents run it down together; what they metered is exactly what was bought. Who reports
beyond it has overage, which takes the first units that come.
"""

import threading

from over_http import wait_until
from support import EndToEnd, main


class SharedPool(EndToEnd):
    def two_agents(self, **grant):
        self.account_ = self.account()
        self.account_.team("studio", "render", **grant)
        return [self.agent(name).enroll(self.account_, "studio", "render") for name in ("a", "b")]

    @staticmethod
    def beyond(agent):
        resource = agent.resource("render")
        return 1_000 * resource["overage_units"] + resource["remainder"]

    def test_two_agents_run_the_pool_down_to_zero(self):
        agents = self.two_agents(unit="1s", amount=8)
        metered = {}

        def run(agent):
            stream = agent.stream("render")
            metered[agent.name] = stream.until_state("stop")["metered"]
            stream.close()

        threads = [threading.Thread(target=run, args=(agent,)) for agent in agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Who reached zero while the account's answer was under way ran on for it: that is overage.
        wait_until(lambda: sum(metered.values()) == 8_000 + sum(map(self.beyond, agents)),
                   f"8 units and the overage are what was metered: {metered}")
        card = wait_until(lambda: (c := self.account_.card("studio", "render"))["charged_units"] == 8 and c,
                          "all 8 units are charged")
        self.assertEqual((card["available_units"], card["leased_units"]), (0, 0))
        self.assertEqual(card["state"], "exhausted")
        for agent in agents:
            self.assertEqual(agent.session("render").status, 402)
        self.account_.command("audit", "studio")

    def test_who_comes_first_is_served_and_the_other_has_overage(self):
        first, second = self.two_agents(unit="1", amount=10, measure="count")
        kept = second.card("render")["leased_units"]
        self.assertEqual(first.report("render", "all", quantity=10).status, 200)
        first.until("render", lambda r: r["overage_units"] == kept, "the first has all but the other's lease")
        self.assertEqual(second.report("render", "more", quantity=kept + 3).status, 200)
        second.until("render", lambda r: r["state"] == "exhausted" and r["overage_units"] == 3,
                     "nothing is left for the second")
        wait_until(lambda: self.account_.card("studio", "render")["charged_units"] == 10, "10 units are charged")

        self.account_.command("grant", "add", "studio", "--resource", "render", "--tier", "free",
                              "--amount", str(kept + 9))  # 6 more, so that each may have its reserve
        for agent in (first, second):
            agent.until("render", lambda r: r["overage_units"] == 0, "overage takes the first units that come")
        card = wait_until(
            lambda: (c := self.account_.card("studio", "render"))["charged_units"] == 13 + kept and c,
            "overage is charged")
        self.assertEqual(card["available_units"], 6)
        self.account_.command("audit", "studio")


main()
