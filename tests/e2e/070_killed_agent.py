"""070: an agent that is killed loses nothing it acknowledged (domain, worked example 9).

Goal: after SIGKILL and a restart a report is there, once, and its retry is a duplicate; a session goes
on with its product and no millisecond is lost or counted twice.
"""

import time

from over_http import request, wait_until
from support import EndToEnd, main


class KilledAgent(EndToEnd):
    def setUp(self):
        self.account_, self.one = self.one_agent(unit="20m")

    def test_an_acknowledged_report_survives_once(self):
        self.assertEqual(self.one.report("render", "r1", duration_ms=600_000).status, 200)
        time.sleep(0.05)
        self.one.kill()
        self.one.restart()
        self.assertEqual(self.one.resource("render")["remainder"], 600_000)
        retry = self.one.report("render", "r1", duration_ms=600_000)
        self.assertEqual((retry.json["accepted"], retry.json["duplicates"]), (0, 1))
        self.assertEqual(self.one.resource("render")["remainder"], 600_000)

    def test_a_session_goes_on_with_its_product(self):
        earliest = time.monotonic()
        session = self.one.session("render", id="job-17")
        latest = time.monotonic()
        self.assertEqual(session.status, 201)
        time.sleep(0.3)  # the product works
        self.one.kill()
        self.one.restart()
        self.assertEqual([s["id"] for s in self.one.get("/v1/sessions").json["sessions"]], ["job-17"])
        self.assertEqual(self.one.session("render", id="job-17").status, 200)
        before = time.monotonic()
        ended = request(self.one.products, "DELETE", "/v1/sessions/job-17").json
        after = time.monotonic()
        self.assertGreaterEqual(ended["metered"], int((before - latest) * 1000) - 1)
        self.assertLessEqual(ended["metered"], int((after - earliest) * 1000) + 1)
        self.assertEqual(self.one.resource("render")["remainder"], ended["metered"])

    def test_units_completed_before_the_kill_are_charged_once(self):
        for number in range(10):
            self.one.report("render", f"r{number}", duration_ms=600_000)
        self.one.kill()
        self.one.restart()
        card = wait_until(lambda: (c := self.account_.card("studio", "render"))["charged_units"] == 5 and c,
                          "5 units are charged")
        self.assertEqual(card["available_units"], 95)
        self.one.kill()
        self.one.restart()
        self.one.cli("sync")
        self.assertEqual(self.account_.card("studio", "render")["charged_units"], 5)
        self.account_.command("audit", "studio")


main()
