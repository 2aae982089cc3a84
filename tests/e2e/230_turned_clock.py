"""230: worked example 10, and its counterpart: the wall clock is turned while the account is away.

Goal: set back a year, nothing that has ended comes back to life, also over a restart, and no metered
minute changes; set forward, what is leased ends while the clock is ahead, for the reason `clock`, and
is there again when it is set right, or when one sync has shown by how much it is wrong. A machine that was
off until its certificate had expired, and started anew, finds back by itself.
"""

import datetime
import os
import time
import uuid

from over_http import request, wait_until
from support import BIN, Agent, EndToEnd, main

DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS


class TurnedClock(EndToEnd):
    def begin(self, ends_in_s=None):
        self.turn = f"{self.folder}/turned"
        self.turn_by(0)
        self.account_ = self.account()
        self.account_.command("team", "add", "studio")
        self.account_.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "duration",
                              "--unit", "1h")
        until = ["--refresh", "cycle"]
        if ends_in_s is not None:
            ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ends_in_s)
            until = ["--ends", ends.isoformat(timespec="milliseconds")]
        self.account_.command("grant", "add", "studio", "--resource", "render", "--tier", "free", "--amount", "20",
                              *until)
        self.one = Agent(f"{self.folder}/one", "one")
        self.programs.append(self.one)
        self.turned = {"LD_PRELOAD": os.path.join(os.path.abspath(BIN), "turned_clock.so"),
                       "METERBOX_TURNED_CLOCK": self.turn}
        self.one.environment = self.turned
        self.one.start().enroll(self.account_, "studio", "render")

    def turn_by(self, ms):
        with open(self.turn + ".new", "w", encoding="utf-8") as file:
            file.write(str(ms))
        os.rename(self.turn + ".new", self.turn)

    def out_of_reach(self):
        self.account_.process.kill()
        wait_until(lambda: not self.one.status()["account"]["reachable"], "the account is missed")

    def wall_off_s(self):
        wall = datetime.datetime.fromisoformat(self.one.status()["clock"]["wall_now"].replace("Z", "+00:00"))
        return wall.timestamp() - time.time()

    def trusted_off_s(self):
        trusted = datetime.datetime.fromisoformat(
            self.one.status()["clock"]["trusted_now"].replace("Z", "+00:00"))
        return trusted.timestamp() - time.time()

    def until_state(self, state):
        return self.one.until("render", lambda r: r["state"] == state, f"the resource is {state}", 60)

    def test_set_back_a_year_nothing_comes_back_to_life(self):
        self.begin(ends_in_s=15)
        self.out_of_reach()
        self.one.report("render", "e1", duration="PT10M")
        self.until_state("ended")
        self.turn_by(-YEAR_MS)
        self.assertLess(self.wall_off_s(), -300 * 86_400)
        self.assertLess(abs(self.trusted_off_s()), 5)
        for _ in range(2):
            refused = self.one.session("render")
            self.assertEqual((refused.status, refused.json["reason"]), (402, "ended"), refused)
            resource = self.one.resource("render")
            self.assertEqual((resource["state"], resource["remainder"]), ("ended", 600_000))
            self.one.kill()
            self.one.restart()
            self.assertEqual(self.one.status()["clock"]["state"], "trusted", "the same boot")
            self.assertLess(abs(self.trusted_off_s()), 5)

    def test_a_session_is_metered_the_same_whatever_the_wall_clock_does(self):
        self.begin(ends_in_s=3_600)
        before = time.monotonic()
        session = self.one.session("render").json["id"]
        began = time.monotonic()
        time.sleep(0.3)  # the product works
        self.turn_by(-YEAR_MS)
        time.sleep(0.3)
        self.turn_by(600_000)
        ending = time.monotonic()
        metered = request(self.one.products, "DELETE", f"/v1/sessions/{session}").json["metered"]
        self.assertGreaterEqual(metered, int(1_000 * (ending - began)) - 2)
        self.assertLessEqual(metered, int(1_000 * (time.monotonic() - before)) + 2)

    def test_set_forward_it_ends_what_is_leased_while_it_is_ahead(self):
        self.begin(ends_in_s=3_600)
        self.out_of_reach()
        stream = self.one.stream("render")
        self.assertEqual(stream.next()[1]["state"], "active")
        self.turn_by(7_200_000)
        stream.until_state("stop")
        stream.close()
        refused = self.one.session("render")
        self.assertEqual((refused.status, refused.json["reason"]), (402, "clock"), refused)
        self.assertIn("sync", refused.json["detail"])
        self.assertLess(abs(self.trusted_off_s()), 5)
        self.turn_by(0)
        self.one.until("render", lambda r: r["state"] == "ok" and r["available_units"] > 0, "it is there again")
        again = self.one.session("render")
        self.assertEqual(again.status, 201, again)
        request(self.one.products, "DELETE", f"/v1/sessions/{again.json['id']}")

    def test_one_sync_cures_a_clock_set_forward(self):
        self.begin(ends_in_s=3_600)
        self.out_of_reach()
        self.turn_by(7_200_000)
        self.until_state("ended")
        self.account_.start()
        self.one.cli("sync")
        self.assertGreater(self.wall_off_s(), 7_000)
        self.one.until("render", lambda r: r["state"] == "ok", "the clock isn't believed any more")
        self.assertEqual(self.one.session("render").status, 201)

    def test_a_card_is_of_the_cycle_that_began_out_of_reach_and_not_of_the_one_before(self):
        self.begin()
        self.use_and_lose_the_account(3)
        self.assertEqual(self.shown(), (20, 16, 4))
        self.assertIsNotNone(self.one.card("render")["refreshes_at"])
        self.turn_by(40 * DAY_MS)
        wait_until(lambda: self.shown() == (20, 20, 0), "another cycle has begun")
        self.assertGreater(self.one.card("render")["refreshes_at"], self.one.status()["clock"]["trusted_now"])
        self.turn_by(75 * DAY_MS)
        wait_until(lambda: self.one.card("render")["refreshes_at"] is None, "the end of the third one nobody has told")
        self.assertEqual(self.shown(), (20, 20, 0))

    def test_of_two_grants_of_a_tier_each_counts_anew_at_its_own_refresh_out_of_reach(self):
        self.begin()
        anchor = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=12 - 365)
        self.account_.command("grant", "add", "studio", "--resource", "render", "--tier", "free", "--amount", "5",
                              "--refresh", "cycle", "--anchor", anchor.date().isoformat())
        self.use_and_lose_the_account(7)
        self.assertEqual(self.shown(), (25, 17, 8))
        self.turn_by(20 * DAY_MS)
        wait_until(lambda: self.shown() == (25, 22, 3), "the smaller one has begun another cycle, the other hasn't")
        self.assertIsNotNone(self.one.card("render")["refreshes_at"])
        self.turn_by(40 * DAY_MS)
        wait_until(lambda: self.shown() == (25, 25, 0), "the other one, too")

    def use_and_lose_the_account(self, units):
        """So many are charged, and one more is used out of reach."""
        self.one.report("render", "before", duration=f"PT{units}H")
        wait_until(lambda: self.account_.card("studio", "render")["charged_units"] == units, "they are charged")
        self.one.cli("sync")
        self.out_of_reach()
        self.one.report("render", "away", duration="PT1H")

    def shown(self):
        card = self.one.card("render")
        return card["purchased_units"], card["available_units"], card["charged_units"]

    def certificate(self):
        with open(f"{self.one.folder}/state/agent.crt", encoding="utf-8") as file:
            return file.read()

    def test_an_agent_that_was_off_until_its_certificate_had_expired_and_rebooted_isnt_locked_out(self):
        self.begin(ends_in_s=200 * 86_400)
        self.one.process.stop()
        self.account_.process.stop()
        before = self.certificate()
        self.turn_by(100 * DAY_MS)
        boot = f"{self.folder}/boot_id"
        with open(boot, "w", encoding="utf-8") as file:
            file.write(f"{uuid.uuid4()}\n")
        self.account_.environment = self.turned
        self.one.environment = self.turned | {"METERBOX_TURNED_BOOT": boot}
        self.account_.start()
        self.one.start()
        wait_until(lambda: self.one.status()["account"]["reachable"], "it is served again")
        self.assertNotEqual(self.certificate(), before)
        status = self.one.status()
        self.assertEqual((status["enrollment"]["state"], status["clock"]["state"]), ("enrolled", "trusted"), status)
        self.assertGreater(self.trusted_off_s(), 99 * 86_400)
        self.assertEqual(self.one.session("render").status, 201)


main()
