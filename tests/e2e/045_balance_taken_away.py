"""045: what runs when its balance is taken away is metered to its stop.

Goal: with the account out of reach, a report takes what a session was running on, or the only grant
ends: the session is told to stop, and not a millisecond that it ran since its last checkpoint is lost.
"""

import datetime
import time

from over_http import request, wait_until
from support import EndToEnd, main


class BalanceTakenAway(EndToEnd):
    def out_of_reach(self, account):
        account.process.kill()
        wait_until(lambda: not self.one.status()["account"]["reachable"], "the account is missed")

    def metered(self, session):
        return request(self.one.products, "GET", f"/v1/sessions/{session}").json["metered"]

    def begin(self):
        """A session by connection, and the moments between which it began."""
        before = time.monotonic()
        stream = self.one.stream("render", id="s1")
        self.assertEqual(stream.status, 201)
        return stream, before, time.monotonic()

    def test_by_a_report(self):
        account, self.one = self.one_agent(unit="1m", amount=1)
        self.out_of_reach(account)
        stream, before, began = self.begin()
        wait_until(lambda: self.metered("s1") >= 700, "time has run")
        reporting = time.monotonic()
        self.assertEqual(self.one.report("render", "e1", duration="PT1M").json["accepted"], 1)
        metered = stream.until_state("stop")["metered"]
        told = time.monotonic()
        self.assertGreaterEqual(metered, 1_000 * (reporting - began) - 2)
        self.assertLessEqual(metered, 1_000 * (told - before) + 2)
        self.one.until("render", lambda r: r["remainder"] == metered, "all of it is in the journal")

    def test_by_the_end_of_the_only_grant(self):
        account = self.account()
        account.command("team", "add", "studio")
        account.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "duration",
                        "--unit", "1h")
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
        account.command("grant", "add", "studio", "--resource", "render", "--tier", "free", "--amount", "20",
                        "--ends", ends.isoformat(timespec="milliseconds"))
        self.one = self.agent().enroll(account, "studio", "render")
        self.out_of_reach(account)
        stream, before, began = self.begin()
        left = (ends - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
        ended = began + left
        metered = stream.until_state("stop")["metered"]
        told = time.monotonic()
        self.assertGreaterEqual(metered, 1_000 * (ended - began) - 20, "two clocks, a few milliseconds apart")
        self.assertLessEqual(metered, 1_000 * (told - before) + 2)
        self.one.until("render", lambda r: (r["state"], r["remainder"]) == ("ended", metered), "access has ended")


main()
