"""cli_run_outage: meterbox run while its daemon is gone, hangs, or is back.

Goal: a command stops when what was left is used up, though nobody is there to say so; and whoever is back
hears of all that it ran, once.
"""

import signal
import threading
import time
import unittest

from fake_daemon import CommandLine
from over_http import DEADLINE, wait_until


class RunThroughAnOutage(CommandLine):
    def test_without_the_daemon_a_command_stops_when_what_was_left_is_used_up(self):
        process = self.begin("sleep", "100")
        self.daemon.tell("active", 500)
        self.daemon.stop()
        self.assertIn("the daemon is gone and what was left of render is used up", self.end(process, 4)[1])

    def test_without_the_daemon_and_an_end_a_command_runs_on(self):
        process = self.begin("sh", "-c", f"until test -e {self.file('go')}; do sleep 0.02; done; exit 5")
        self.daemon.tell("active")
        self.daemon.tell("active", None)
        self.daemon.stop()
        open(self.file("go"), "w", encoding="utf-8").close()
        self.assertIn("the daemon is gone", self.end(process, 5)[1])

    def test_a_daemon_that_is_back_after_the_end_hears_how_long_the_command_ran(self):
        process = self.begin("sh", "-c", f"until test -e {self.file('go')}; do sleep 0.02; done; exit 5")
        begun = time.monotonic()
        self.daemon.tell("active", heartbeat_ms=60_000)
        self.daemon.stop()
        open(self.file("go"), "w", encoding="utf-8").close()
        self.assertIn("the daemon is gone; waiting 1m for it", process.stderr.readline())
        ran_ms = int((time.monotonic() - begun) * 1000)
        [opened] = self.daemon.bodies("POST", "/v1/sessions")
        self.daemon.answers["POST", "/v1/events"] = (200, {"accepted": 1})
        self.daemon.start()
        self.assertEqual(self.end(process, 5)[1], "")
        [ended] = self.daemon.bodies("DELETE", f"/v1/sessions/{opened['id']}")
        self.assertLessEqual(ended["ran_ms"], ran_ms + 1)
        # It answers that the session had ended with nothing metered: the rest is reported.
        [event] = self.daemon.bodies("POST", "/v1/events")
        self.assertEqual((event["id"], event["type"]), (opened["id"], "render"))
        self.assertEqual(event["data"], {"duration_ms": ended["ran_ms"]})

    def test_waiting_for_the_daemon_ends_at_a_signal(self):
        process = self.begin("sh", "-c", f"until test -e {self.file('go')}; do sleep 0.02; done; exit 5")
        self.daemon.tell("active", heartbeat_ms=3_600_000)
        self.daemon.stop()
        open(self.file("go"), "w", encoding="utf-8").close()
        self.assertIn("waiting 1h for it", process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        self.assertIn("the daemon did not come back; the last ", self.end(process, 5)[1])

    def test_what_ran_between_two_sessions_is_reported(self):
        process = self.begin("sh", "-c", f"until test -e {self.file('go')}; do sleep 0.02; done")
        self.daemon.tell("active", 60_000, metered=2_000)
        self.daemon.stream()
        self.daemon.stop()
        [first] = self.daemon.bodies("POST", "/v1/sessions")
        self.daemon.answers["GET", f"/v1/sessions/{first['id']}"] = (200, {"state": "ended", "metered": 500})
        self.daemon.answers["POST", "/v1/events"] = (200, {"accepted": 1})
        answers = iter([(409, {"detail": "it has ended"}), self.daemon.answers["POST", "/v1/sessions"]])
        self.daemon.on["POST", "/v1/sessions"] = lambda: next(answers)
        self.daemon.start()
        self.daemon.tell("low", 60_000, number=2, metered=0)
        self.assertIn("render is low", process.stderr.readline())
        open(self.file("go"), "w", encoding="utf-8").close()
        self.end(process, 0)
        [event] = self.daemon.bodies("POST", "/v1/events")
        self.assertGreaterEqual(event["data"]["duration_ms"], 1_500)

    def lost_for_long(self, *answers):
        """A command whose daemon is back after 100 s, 60 s of which its session had metered; what is answered to
        each request for another one. Its process, and the event that lets the unanswered ones go."""
        process = self.begin("sh", "-c", f"until test -e {self.file('go')}; do sleep 0.02; done")
        self.daemon.tell("active", metered=100_000)
        self.daemon.stop()
        self.let_go = threading.Event()
        self.addCleanup(self.let_go.set)
        [first] = self.daemon.bodies("POST", "/v1/sessions")
        over = {"state": "ended", "metered": 60_000}
        self.daemon.answers["GET", f"/v1/sessions/{first['id']}"] = (200, over)
        self.daemon.answers["POST", "/v1/events"] = (200, {"accepted": 1})
        answers = iter([lambda: (409, {"detail": "it has ended"}), *answers])
        self.daemon.on["POST", "/v1/sessions"] = lambda: next(answers)()
        self.daemon.start()
        return process

    def begun_unheard(self):
        """A session that has begun and is over, with 30 s, before its answer comes: that is waited for in vain."""
        path = f"/v1/sessions/{self.daemon.bodies('POST', '/v1/sessions')[-1]['id']}"
        self.daemon.answers["GET", path] = self.daemon.answers["DELETE", path] = (
            200, {"state": "ended", "metered": 30_000})
        self.let_go.wait(DEADLINE)
        return 503, {"detail": "too late"}

    def only_the_rest_is_reported(self):
        [event] = self.daemon.bodies("POST", "/v1/events")
        self.assertGreaterEqual(event["data"]["duration_ms"], 10_000)
        self.assertLess(event["data"]["duration_ms"], 40_000)

    def test_what_a_session_metered_of_whose_beginning_nobody_heard_counts_once(self):
        process = self.lost_for_long(self.begun_unheard, lambda: (409, {"detail": "it has ended"}),
                                     lambda: self.daemon.answers["POST", "/v1/sessions"])
        self.daemon.tell("low", 60_000, number=2, metered=0)
        self.assertIn("render is low", process.stderr.readline())
        open(self.file("go"), "w", encoding="utf-8").close()
        self.end(process, 0)
        self.only_the_rest_is_reported()

    def test_a_command_that_ends_while_another_session_begins_is_metered_once(self):
        process = self.lost_for_long(self.begun_unheard)
        wait_until(lambda: len(self.daemon.bodies("POST", "/v1/sessions")) == 3, "another session is asked for")
        open(self.file("go"), "w", encoding="utf-8").close()
        self.end(process, 0)
        self.only_the_rest_is_reported()
        unheard = self.daemon.bodies("POST", "/v1/sessions")[2]["id"]
        self.assertEqual(len(self.daemon.bodies("DELETE", f"/v1/sessions/{unheard}")), 1)

    def test_a_session_is_taken_up_again_when_the_daemon_is_back(self):
        process = self.begin("sleep", "100")
        self.daemon.tell("active", 60_000)
        self.daemon.stop()
        self.daemon.start()
        self.daemon.tell("active", 60_000, number=2)
        first, second = self.daemon.bodies("POST", "/v1/sessions")
        self.assertEqual(first["id"], second["id"])
        self.daemon.tell("stop", number=2)
        self.end(process, 4)

    def test_a_session_that_is_over_by_then_is_followed_by_another(self):
        process = self.begin("sleep", "100")
        self.daemon.tell("active", 60_000)
        self.daemon.stream()
        self.daemon.stop()
        [first] = self.daemon.bodies("POST", "/v1/sessions")
        self.daemon.answers["GET", f"/v1/sessions/{first['id']}"] = (200, {"state": "ended", "metered": 0})
        self.daemon.answers["POST", "/v1/sessions"] = (409, {"detail": "it has ended"})
        self.daemon.start()
        wait_until(lambda: len(self.daemon.bodies("POST", "/v1/sessions")) == 3, "it is tried again")
        first, second, third = (body["id"] for body in self.daemon.bodies("POST", "/v1/sessions"))
        self.assertEqual(first, second)
        self.assertNotEqual(second, third)
        self.daemon.answers["POST", "/v1/sessions"] = (402, {"detail": "exhausted"})
        self.end(process, 4)

    def test_a_daemon_that_hangs_past_the_end_does_not_keep_a_command_running(self):
        process = self.begin("sleep", "100")
        self.daemon.tell("active", 100)
        self.end(process, 4)  # asked for the session, it knows nothing of it

    def test_a_daemon_that_has_more_to_spend_when_asked_is_believed(self):
        process = self.begin("sh", "-c", f"until test -e {self.file('go')}; do sleep 0.02; done")
        self.daemon.stream()
        [opened] = self.daemon.bodies("POST", "/v1/sessions")
        path = f"/v1/sessions/{opened['id']}"
        self.daemon.answers["GET", path] = (200, {"state": "active", "exhausts_in_ms": 60_000})
        self.daemon.tell("active", 100)
        wait_until(lambda: ("GET", path, None) in self.daemon.heard, "the session is asked for")
        open(self.file("go"), "w", encoding="utf-8").close()
        self.end(process, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
