"""036: who reports what nobody knows keeps nobody out while the account is asked for it.

Goal: reports and sessions of unknown resources wait for a sync; beyond 16 MiB they are refused with 503, and all
others are answered at once, however long the sync takes. Those that wait are answered when it ends.
"""

import json
import signal
import socket

from over_http import DEADLINE
from support import Agent, EndToEnd, main

MEBIBYTE = 1024 * 1024


def unknown(path, content_type, body):
    """A request of nearly 1 MiB, most of it blanks."""
    text = json.dumps(body).ljust(MEBIBYTE - 1024).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(text)}\r\n\r\n").encode() + text


REPORT = unknown("/v1/events", "application/cloudevents+json",
                 {"specversion": "1.0", "source": "/test", "id": "1", "type": "other", "data": {"duration_ms": 1}})
SESSION = unknown("/v1/sessions", "application/json", {"resource": "other"})


class UnknownResources(EndToEnd):
    def send(self, one, request):
        """Four on a connection: as much as the daemon holds of one."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(DEADLINE)
        client.connect(one.products)
        client.sendall(request * 4)
        return client.makefile("rb")

    def keeps_nobody_out(self, request):
        account = self.account()
        account.team("studio", "render", "20m", 100)
        one = Agent(f"{self.folder}/one", "one", sync_interval="1h")
        self.programs.append(one)
        one.start("--set", "account.sync_timeout=5m").enroll(account, "studio", "render")
        account.process.signal(signal.SIGSTOP)
        try:
            answers = [self.send(one, request) for _ in range(20)]
            self.assertEqual(one.report("render", "known", duration_ms=1000).status, 200)
            self.assertEqual(answers[-1].readline()[:13], b"HTTP/1.1 503 ")
            headers = list(iter(answers[-1].readline, b"\r\n"))
            self.assertTrue(any(header.startswith(b"Retry-After: ") for header in headers), headers)
            self.assertIn(b"urn:meterbox:error:unreachable", answers[-1].read(200))
        finally:
            account.process.signal(signal.SIGCONT)
        self.assertEqual(answers[0].readline()[:13], b"HTTP/1.1 422 ")

    def test_reports_of_what_nobody_knows(self):
        self.keeps_nobody_out(REPORT)

    def test_sessions_on_what_nobody_knows(self):
        self.keeps_nobody_out(SESSION)


main()
