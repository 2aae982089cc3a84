"""050: with the account out of reach, a lease is spent to its last millisecond and not one further.

Goal: a running session is told to stop exactly when the leased units are used up, later ones are
refused, and once the account is back each unit is charged once; audit finds no difference. The same
with an account that is there and doesn't answer.
"""

import signal

from over_http import wait_until
from support import EndToEnd, main


class OfflineLease(EndToEnd):
    def run_out(self, take_away):
        """Runs a session until it is told to stop, with the account taken away in between."""
        self.account_, self.one = self.one_agent(unit="1s", amount=12)
        stream = self.one.stream("render")
        self.assertEqual(stream.status, 201)
        wait_until(lambda: self.one.card("render")["leased_units"] >= 3, "some units are leased")
        take_away()
        stopped = stream.until_state("stop")
        stream.close()
        return stopped

    def refused(self):
        answer = self.one.session("render")
        self.assertEqual((answer.status, answer.error), (402, "exhausted"), answer)

    def settled(self, units):
        card = wait_until(
            lambda: (c := self.account_.card("studio", "render"))["charged_units"] == units and c,
            f"{units} units are charged")
        self.assertEqual(card["overage_units"], 0)
        self.account_.command("audit", "studio")

    def test_the_stop_comes_exactly_when_the_lease_is_used_up(self):
        stopped = self.run_out(lambda: self.account_.process.kill())
        card = self.account_.card("studio", "render")  # no server: the command opens the store itself
        leased = card["charged_units"] + card["leased_units"]
        self.assertEqual(stopped["metered"], leased * 1_000)
        self.one.until("render", lambda r: (r["state"], r["available"], r["remainder"], r["overage_units"])
                       == ("exhausted", 0, 0, 0), "nothing is left, and nothing was used beyond")
        self.refused()
        self.refused()

        self.account_.start()
        self.settled(leased)
        self.one.until("render", lambda r: r["available_units"] > 0, "the pool's rest is leased")
        self.assertEqual(self.one.session("render").status, 201)

    def test_an_account_that_does_not_answer_is_out_of_reach(self):
        stopped = self.run_out(lambda: self.account_.process.signal(signal.SIGSTOP))
        self.assertGreaterEqual(stopped["metered"], 3_000)
        self.account_.process.signal(signal.SIGCONT)
        total = stopped["metered"]
        card = wait_until(lambda: (c := self.account_.card("studio", "render"))["charged_units"] >= total // 1_000
                          and c, "the units are charged")
        self.assertEqual(card["charged_units"], total // 1_000)
        self.account_.command("audit", "studio")

    def test_what_was_reported_offline_is_charged_once_when_the_account_is_back(self):
        self.account_, self.one = self.one_agent(unit="1s", amount=50)
        self.report("before", 4)
        self.settled(2)
        self.account_.process.kill()
        self.report("offline", 20)
        self.pending(10)
        self.assertEqual(self.one.process.stop(), 0)
        self.one.start()
        self.pending(10)
        self.report("after", 2)  # what was told before the restart is not pending again
        self.pending(11)
        self.account_.start()
        self.settled(13)
        self.pending(0)

    def report(self, name, times):
        for number in range(times):
            self.assertEqual(self.one.report("render", f"{name}{number}", duration_ms=500).status, 200)

    def pending(self, units):
        self.assertEqual(self.one.status()["pending"]["units"], units)


main()
