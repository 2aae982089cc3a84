"""165: an outage that outlasts the lease.

Goal: worked example 7, with shorter units. The lease is 10 units, the account is away, one session runs
without pause: it is told to stop when the 10 units are used up, it stays refused, and once the account
is back exactly 10 units are charged, once.
"""

import json

from over_http import raw, request, wait_until
from support import EndToEnd, main

UNIT_MS = 400
UNITS = 10


class LongOutage(EndToEnd):
    def has_all(self):
        """As many sessions as there are units wait for one answer, which leases them all."""
        asked = b""
        self.asked = getattr(self, "asked", 0) + 1
        for number in range(UNITS):
            body = json.dumps({"resource": "render", "id": f"s{self.asked}-{number}"}).encode()
            asked += (b"POST /v1/sessions HTTP/1.1\r\nHost: meterbox\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body)) + body
        raw(self.one.products, asked)
        for number in range(UNITS):
            request(self.one.products, "DELETE", f"/v1/sessions/s{self.asked}-{number}")
        card = self.one.card("render")
        return card["leased_units"] + card["charged_units"] == UNITS

    def test_worked_example_7(self):
        account = self.account()
        account.command("team", "add", "studio")
        account.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "duration",
                        "--unit", f"{UNIT_MS}ms")
        self.one = self.agent(sync_interval="1h").enroll(account, "studio")
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "free",
                        "--amount", str(UNITS))
        wait_until(self.has_all, "the lease is 10 units")
        account.process.kill()

        stream = self.one.stream("render")
        self.assertEqual(stream.status, 201)
        stream.until_state("stop")
        stream.close()
        self.one.until("render", lambda r: (r["state"], r["available"], r["remainder"], r["overage_units"])
                       == ("exhausted", 0, 0, 0), "10 units are used up, and nothing beyond")
        for _ in range(3):
            self.assertEqual(self.one.session("render").status, 402)

        account.start()
        self.one.cli("sync")
        card = wait_until(lambda: (c := account.card("studio", "render"))["charged_units"] == UNITS and c,
                          "10 units are charged")
        self.assertEqual((card["available_units"], card["leased_units"], card["overage_units"]), (0, 0, 0))
        self.one.cli("sync")
        self.assertEqual(account.card("studio", "render")["charged_units"], UNITS)
        account.command("audit", "studio")


main()
