"""180: units come from all tiers in their order, tokens are one pool, and what ends hands over.

Goal: worked examples 3, 6 and 11 of the domain against the built programs, and a unit in progress that goes
over to the next valid grant when its own ends (example 2 waits for a midnight: it is a contract test).
"""

import datetime
import threading

from over_http import wait_until
from support import EndToEnd, main


class Tiers(EndToEnd):
    def charged(self, account, units, resource="render"):
        return wait_until(lambda: (c := account.card("studio", resource))["charged_units"] == units and c,
                          f"{units} units are charged")

    def test_example_3_six_units_come_from_free_token_flex_flex_and_payg(self):
        account = self.account()
        add = ["resource", "add", "render", "--kind", "exhaustible", "--measure", "count", "--unit", "1"]
        account.command(*add, "--rate-token-flex", "3", "--rate-flex", "3", "--price", "100", "--currency", "EUR")
        add[2] = "api"
        account.command(*add, "--rate-token-flex", "1", "--rate-flex", "1")
        account.command("team", "add", "studio")
        grant = ["grant", "add", "studio", "--tier"]
        account.command(*grant, "free", "--resource", "render", "--amount", "2")
        account.command(*grant, "token_flex", "--tokens", "7")
        account.command(*grant, "flex", "--tokens", "4")
        account.command(*grant, "payg", "--resource", "render")
        agent = self.agent().enroll(account, "studio", "render")
        self.assertEqual(agent.report("render", "six", quantity=6).status, 200)

        card = self.charged(account, 6)
        left = [(t["tier"], t["available_units"], t["purchased_units"]) for t in card["tiers"]]
        # A token of each pool covers no unit of render, but one of api: unless api has leased it, it is there.
        self.assertEqual(left, [("free", 0, 2), ("token_flex", 0, 2), ("flex", 0, 1), ("payg", None, None)])
        api = account.card("studio", "api")
        self.assertEqual([t["available_units"] for t in api["tiers"]], [1, 1])
        account.command("audit", "studio")

    def test_open_payg_takes_all_that_was_used_within_three_syncs(self):
        account = self.account()
        account.command("resource", "add", "calls", "--kind", "exhaustible", "--measure", "count", "--unit", "1",
                        "--price", "1", "--currency", "EUR")
        account.command("team", "add", "studio")
        account.command("grant", "add", "studio", "--resource", "calls", "--tier", "payg")
        one = self.agent("one", sync_interval="1h")
        one.enroll(account, "studio", "calls")
        self.assertEqual(one.report("calls", "all", quantity=100_000).status, 200)
        for _ in range(3):
            one.cli("sync")
        self.assertEqual(one.resource("calls")["overage_units"], 0)
        self.assertEqual(account.card("studio", "calls")["charged_units"], 100_000)
        self.assertEqual(account.card("studio", "calls")["leased_units"], 1_000)
        account.command("audit", "studio")

    def test_example_6_four_sessions_on_a_final_lease_stop_together_at_what_is_left(self):
        account, agent = self.one_agent(unit="1s", amount=8)
        agent.stream("render").close()  # asks for a unit at least
        streams = [agent.stream("render") for _ in range(4)]
        metered = []

        def run(stream):
            metered.append(stream.until_state("stop")["metered"])
            stream.close()

        threads = [threading.Thread(target=run, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.charged(account, 8)
        # What ran beyond the lease, while the account was asked, shows as overage and is no more than that.
        resource = agent.until("render", lambda r: r["state"] == "exhausted", "nothing is left")
        self.assertEqual(agent.session("render").status, 402)
        self.assertLess(resource["overage_units"], 4)
        self.assertEqual(len(metered), 4)
        account.command("audit", "studio")

    def test_example_11_overage_takes_the_units_that_come(self):
        account, agent = self.one_agent(unit="1s", amount=1)
        self.assertEqual(agent.report("render", "r", duration_ms=3_500).status, 200)
        agent.until("render", lambda r: (r["overage_units"], r["remainder"]) == (2, 500), "2 units in overage")
        self.charged(account, 1)
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "flex", "--amount", "2")
        agent.until("render", lambda r: (r["overage_units"], r["remainder"]) == (0, 500), "they took the 2 units")
        self.charged(account, 3)
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "free", "--amount", "1")
        self.assertEqual(agent.report("render", "more", duration_ms=500).status, 200)
        self.charged(account, 4)
        self.assertEqual(agent.resource("render")["remainder"], 0)
        account.command("audit", "studio")

    def test_a_unit_in_progress_goes_over_when_its_grant_ends(self):
        account, agent = self.one_agent(unit="1h", amount=1)
        ends = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)).isoformat()
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "free", "--amount", "5",
                        "--ends", ends)
        account.command("grant", "end", "studio", "g1")
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "flex", "--amount", "5")
        agent.cli("sync")
        agent.report("render", "half", duration_ms=1_800_000)
        wait_until(lambda: len(account.card("studio", "render")["tiers"]) == 1, "the free grant has ended", 30)
        agent.cli("sync")
        agent.report("render", "rest", duration_ms=1_800_000)
        card = self.charged(account, 1)
        self.assertEqual([(t["tier"], t["available_units"]) for t in card["tiers"]], [("flex", 4)])
        self.assertEqual([g["state"] for g in account.json("grant", "list", "studio")["grants"]],
                         ["ended", "ended", "active"])
        account.command("audit", "studio")

    def test_exhausts_at_takes_each_tier_up_to_its_end(self):
        account = self.account()
        account.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "duration", "--unit", "1m")
        account.command("team", "add", "studio")
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
        grant = ["grant", "add", "studio", "--resource", "render", "--tier"]
        account.command(*grant, "free", "--amount", "100", "--ends", ends.isoformat())  # more than is used by then
        account.command(*grant, "flex", "--amount", "120")
        agent = self.agent().enroll(account, "studio", "render")
        self.assertIsNone(agent.card("render")["exhausts_at"])  # nothing runs, nothing ran
        stream = agent.stream("render")

        def told():
            text = agent.card("render")["exhausts_at"]
            return text and datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

        at = wait_until(told, "one session runs")
        # What is left of the first when it ends is lost; the other lasts for its two hours.
        self.assertGreaterEqual(at, ends + datetime.timedelta(minutes=119))
        self.assertLessEqual(at, ends + datetime.timedelta(minutes=120))
        stream.close()


main()
