"""220: worked example 7, with units of 400 ms in place of 20 minutes.

Goal: with the account out of reach and 10 units leased, a session without pause is told to stop when
they are used up and not a millisecond later, stays refused, and on reconnect exactly what was completed
is charged, once.
"""

from over_http import wait_until
from support import EndToEnd, main

UNIT_MS = 400


class OfflineTenUnits(EndToEnd):
    def test_a_lease_of_ten_units_lasts_exactly_ten_units(self):
        account, one = self.one_agent(unit=f"{UNIT_MS}ms", amount=26)
        stream = one.stream("render")
        wait_until(lambda: one.card("render")["leased_units"] >= 10, "10 units are leased", seconds=60)
        account.process.kill()
        charged = account.card("studio", "render")
        leased = charged["charged_units"] + charged["leased_units"]
        stopped = stream.until_state("stop")
        self.assertEqual(stopped["metered"], leased * UNIT_MS)
        self.assertGreaterEqual(charged["leased_units"], 10, "10, and what was completed and not heard of")
        stream.close()
        for _ in range(3):
            refused = one.session("render")
            self.assertEqual((refused.status, refused.json["reason"]), (402, "exhausted"), refused)
            self.assertIn("sync cures it", refused.json["detail"])
        account.start()
        card = wait_until(
            lambda: (c := account.card("studio", "render"))["charged_units"] == leased and c, "all is charged")
        self.assertEqual((card["overage_units"], card["remainder"]), (0, 0))
        one.cli("sync")
        one.cli("sync")
        self.assertEqual(account.card("studio", "render")["charged_units"], leased)
        account.command("audit", "studio")


main()
