"""160: what an agent doesn't need goes to who waits for it.

Goal: worked example 5. Two agents ask for the last 5 units, each with 5 sessions waiting: the first has
them all, the second is told exhausted; the first returns the 3 that it hasn't begun on recall, and the
second's next request gets them. Then the pool's last units, one by one, to whoever asks first.
"""

import json
import re

from over_http import raw, wait_until
from support import EndToEnd, main

FIVE = 5


class Recall(EndToEnd):
    def ask_for_five(self, agent, name):
        """Five sessions asked for in one write, so that all of them wait for the same answer."""
        request = b""
        for number in range(FIVE):
            body = json.dumps({"resource": "render", "id": f"{name}-{number}"}).encode()
            request += (b"POST /v1/sessions HTTP/1.1\r\nHost: meterbox\r\nContent-Type: application/json\r\n"
                        b"Content-Length: %d\r\n\r\n" % len(body)) + body
        return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", raw(agent.products, request))]

    def two_agents(self, amount, unit="10m"):
        self.account_ = self.account()
        self.account_.command("team", "add", "studio")
        self.account_.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "duration",
                              "--unit", unit)
        agents = [self.agent(name, sync_interval="1h") for name in ("a", "b")]
        for agent in agents:
            agent.enroll(self.account_, "studio")
        self.account_.command("grant", "add", "studio", "--resource", "render", "--tier", "free",
                              "--amount", str(amount))
        return agents

    def test_worked_example_5(self):
        a, b = self.two_agents(5)
        # The answer may be slower than the half second for which sessions wait: then the units wait for them.
        wait_until(lambda: self.ask_for_five(a, "a") in ([201] * FIVE, [200] * FIVE), "a has all of them")
        self.assertEqual(a.resource("render")["available_units"], 5)
        self.assertEqual(self.ask_for_five(b, "b"), [402] * FIVE)
        self.assertEqual(b.resource("render")["state"], "exhausted")

        # One unit is used, and one in progress: 3 are unused.
        self.assertEqual(a.report("render", "half", duration_ms=900_000).status, 200)

        def returned():
            # b's products come again, as they do: where the machine is slow, the first ones had gone before
            # the account heard of them.
            self.ask_for_five(b, "b")
            a.cli("sync")
            return a.resource("render")["available_units"] == 1
        wait_until(returned, "a returned 3")
        wait_until(lambda: (c := self.account_.card("studio", "render"))["charged_units"] == 1
                   and c["leased_units"] <= 4, "the account heard of it")
        # Its next request: its ticket still polls, and so it may have come by itself.
        wait_until(lambda: b.resource("render")["available_units"] == 3
                   or self.ask_for_five(b, "again") == [201] * FIVE, "b's next request is served")
        self.assertEqual(b.resource("render")["available_units"], 3)
        self.account_.command("audit", "studio")

    def test_the_last_units_go_one_by_one_to_who_asks_first(self):
        a, b = self.two_agents(3)
        for agent in (a, b):
            agent.cli("sync")
            self.assertEqual(agent.resource("render")["available_units"], 1)
        # One is left; half a unit asks for it.
        self.assertEqual(a.report("render", "below", duration_ms=299_000).status, 200)
        a.cli("sync")
        self.assertEqual(a.resource("render")["available_units"], 1)
        self.assertEqual(b.report("render", "half", duration_ms=300_000).status, 200)
        b.until("render", lambda r: r["available_units"] == 2, "b asked at half, and first")
        self.assertEqual(a.report("render", "half", duration_ms=2_000).status, 200)
        a.cli("sync")
        self.assertEqual(a.resource("render")["available_units"], 1)
        self.account_.command("audit", "studio")


main()
