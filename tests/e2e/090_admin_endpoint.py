"""090: what an admin can see.

Goal: liveness, readiness, status and metrics on the admin socket and on loopback, the latter with the
token and a known Host alone; the command line shows the same, as text and as JSON.
"""

import contextlib
import json
import resource
import socket

from over_http import DEADLINE, request, request_loopback, wait_until
from support import EndToEnd, main


class AdminEndpoint(EndToEnd):
    def loopback(self, path, method="GET", **headers):
        return request_loopback(self.one.port, method, path,
                                {name.replace("_", "-"): value for name, value in headers.items()})

    def test_status_before_and_after_enrollment(self):
        self.one = self.agent("one")
        status = self.one.status()
        self.assertEqual((status["agent"]["name"], status["enrollment"]["state"]), ("one", "none"))
        self.assertEqual(status["cards"], [])

        account = self.account()
        account.team("studio", "render", "20m", 150)
        self.one.enroll(account, "studio", "render")
        status = self.one.status()
        self.assertEqual((status["enrollment"]["state"], status["agent"]["team"]), ("enrolled", "studio"))
        self.assertEqual((status["account"]["url"].rstrip("/"), status["account"]["reachable"]), (account.url, True))
        card = status["cards"][0]
        self.assertEqual((card["resource"], card["state"], card["available_units"]), ("render", "ok", 150))
        for section, members in {
                "agent": ("id", "version", "started_at", "uptime_s"),
                "account": ("last_sync_at", "last_error", "next_sync_at", "consecutive_failures"),
                "pending": ("units", "usage_rows"), "journal": ("rows", "bytes", "oldest", "budget_bytes"),
                "clock": ("trusted_now", "wall_now", "state"), "sessions": ("active",)}.items():
            for member in members:
                self.assertIn(member, status[section], section)

        account.process.kill()
        wait_until(lambda: not self.one.status()["account"]["reachable"], "the account is missed")
        self.assertGreater(self.one.status()["account"]["consecutive_failures"], 0)

    def test_health_and_metrics(self):
        account, self.one = self.one_agent()
        for path in ("/healthz", "/readyz"):
            self.assertEqual(request(self.one.admin, "GET", path).status, 200)
            self.assertEqual(self.loopback(path).status, 200, "no token needed")
        metrics = request(self.one.admin, "GET", "/metrics")
        self.assertTrue(metrics.headers["Content-Type"].startswith("text/plain"), metrics.headers)
        lines = metrics.body.decode().splitlines()
        samples = [line for line in lines if line and not line.startswith("#")]
        self.assertTrue(samples)
        typed = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
        helped = {line.split()[2] for line in lines if line.startswith("# HELP ")}
        self.assertEqual(typed, helped)
        for sample in samples:
            self.assertTrue(sample.startswith("meterbox_"), sample)
            float(sample.rsplit(" ", 1)[1])

    def test_loopback_wants_the_token_and_a_known_host(self):
        _, self.one = self.one_agent()
        bearer = f"Bearer {self.one.token}"
        self.assertEqual(self.loopback("/status", Authorization=bearer).json["agent"]["team"], "studio")
        self.assertEqual(self.loopback("/metrics").status, 401)
        for host in (f"localhost:{self.one.port}", f"127.0.0.1:{self.one.port}"):
            self.assertEqual(self.loopback("/status", Authorization=bearer, Host=host).status, 200)
        for host in ("evil.example", f"evil.example:{self.one.port}", "127.0.0.1.evil.example"):
            answer = self.loopback("/status", Authorization=bearer, Host=host)
            self.assertEqual((answer.status, answer.error), (403, "forbidden"))
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)

    def test_a_crowd_on_loopback_keeps_no_admin_out(self):
        """More connections than the admin's endpoint may have, each in the middle of its request."""
        _, self.one = self.one_agent()
        crowd = 1_100
        files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(files, 2 * crowd), most), most))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (files, most))
        with contextlib.ExitStack() as clients:
            for _ in range(crowd):
                client = clients.enter_context(socket.create_connection(("127.0.0.1", self.one.port), DEADLINE))
                with contextlib.suppress(ConnectionError):  # it may have been turned away
                    client.sendall(b"GET /status HTTP/1.1\r\n")
            self.assertEqual(json.loads(self.one.cli("--json", "status"))["agent"]["name"], "one")

    def test_the_command_line_shows_the_same(self):
        account, self.one = self.one_agent()
        self.one.cli("report", "--resource", "render", "--duration", "12m30s", "--id", "c1")
        self.one.cli("report", "--resource", "render", "--duration", "12m30s", "--id", "c1")
        resources = json.loads(self.one.cli("--json", "resources"))["resources"]
        self.assertEqual([(r["key"], r["remainder"]) for r in resources], [("render", 750_000)])
        self.assertEqual(json.loads(self.one.cli("--json", "status"))["agent"]["name"], "one")
        self.assertEqual(json.loads(self.one.cli("--json", "sessions"))["sessions"], [])
        self.one.cli("sync")
        for command in ("status", "resources", "sessions"):
            self.assertNotIn("\x1b", self.one.cli(command))
        self.assertIn("render", self.one.cli("status"))
        account.process.kill()
        self.one.cli("sync", expect=3)
        self.one.process.stop()
        self.one.cli("status", expect=3)


main()
