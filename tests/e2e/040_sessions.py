"""040: a session lives as long as its product.

Goal: a session by connection ends when the kernel closes its product's socket, a session by heartbeat
at the last heartbeat that came; what ran is metered to the millisecond, and ending twice is no error.
"""

import resource
import subprocess
import time

from over_http import request, wait_until
from support import EndToEnd, main


class Sessions(EndToEnd):
    def setUp(self):
        self.account_, self.one = self.one_agent(unit="20m", heartbeat="1s")

    def running(self):
        return self.one.get("/v1/sessions").json["sessions"]

    def put(self, session):
        return request(self.one.products, "PUT", f"/v1/sessions/{session}/heartbeat").json

    def test_a_session_by_connection_ends_with_its_product(self):
        product = subprocess.Popen(
            ["curl", "-sN", "--unix-socket", self.one.products, "-H", "Accept: text/event-stream",
             "--json", '{"resource":"render","subject":"job 17"}', "http://localhost/v1/sessions"],
            stdout=subprocess.DEVNULL)
        try:
            session = wait_until(self.running, "the session runs")[0]
            self.assertEqual((session["resource"], session["state"]), ("render", "active"))
            wait_until(lambda: self.running()[0]["metered"] > 200, "time is metered")
        finally:
            product.kill()
            product.wait()
        wait_until(lambda: not self.running(), "the session ended with its product")
        wait_until(lambda: self.one.resource("render")["remainder"] > 200, "what it ran is stored")

    def test_a_shell_that_allows_few_files_keeps_no_product_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.one.process.stop()
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
            self.one.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        streams = [self.one.stream("render") for _ in range(100)]
        self.assertEqual({stream.status for stream in streams}, {201})
        self.assertEqual(len(self.running()), 100)
        for stream in streams:
            stream.close()

    def test_the_stream_says_active_first(self):
        stream = self.one.stream("render")
        self.assertEqual(stream.status, 201)
        name, data = stream.next()
        self.assertEqual((name, data["state"], data["resource"]), ("state", "active", "render"))
        for member in ("id", "metered", "available", "heartbeat_ms", "exhausts_at", "exhausts_in_ms", "as_of"):
            self.assertIn(member, data)
        stream.close()

    def test_a_session_without_heartbeat_ends_at_its_last_one(self):
        session = self.one.session("render").json
        time.sleep(0.3)  # the product works
        last = self.put(session["id"])
        self.assertEqual(last["state"], "active")
        self.assertGreaterEqual(last["metered"], 300)
        ended = wait_until(lambda: (s := self.put(session["id"]) if not self.running() else None) and s,
                           "the session ended without its heartbeat")
        self.assertEqual((ended["state"], ended["metered"]), ("ended", last["metered"]))
        self.assertEqual(self.one.resource("render")["remainder"], last["metered"])

    def test_what_ran_is_metered_exactly_and_ending_twice_is_no_error(self):
        before = time.monotonic()
        session = self.one.session("render", subject="job 18")
        started = time.monotonic()
        self.assertEqual(session.status, 201, session)
        path = f"/v1/sessions/{session.json['id']}"
        time.sleep(0.5)  # the product works
        ending = time.monotonic()
        ended = request(self.one.products, "DELETE", path)
        after = time.monotonic()
        self.assertEqual((ended.status, ended.json["state"], ended.json["units_completed"]), (200, "ended", 0))
        self.assertGreaterEqual(ended.json["metered"], int((ending - started) * 1000) - 1)
        self.assertLessEqual(ended.json["metered"], int((after - before) * 1000) + 1)
        self.assertEqual(ended.json["remainder"], ended.json["metered"])
        again = request(self.one.products, "DELETE", path)
        self.assertEqual((again.status, again.json["metered"]), (200, ended.json["metered"]))
        self.assertEqual(self.one.resource("render")["remainder"], ended.json["metered"])

    def test_parallel_sessions_count_each(self):
        sessions = [self.one.session("render").json["id"] for _ in range(4)]
        self.assertEqual(len(self.running()), 4)
        self.assertEqual(self.one.status()["sessions"]["active"], 4)
        time.sleep(0.3)  # the products work
        metered = [request(self.one.products, "DELETE", f"/v1/sessions/{s}").json["metered"] for s in sessions]
        self.assertGreaterEqual(min(metered), 300)
        self.assertEqual(self.one.resource("render")["remainder"], sum(metered))


main()
