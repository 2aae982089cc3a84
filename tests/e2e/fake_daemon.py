"""A daemon that says what a test wants it to: for the command line's answers to what the real one is hard
to bring to say, on the moment. It knows HTTP over Unix sockets and nothing of metering.
"""

import http.server
import json
import os
import queue
import socketserver
import subprocess
import tempfile
import threading
import unittest

from over_http import DEADLINE, wait_until

BIN = os.environ.get("METERBOX_BIN") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../build/dev/bin")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        daemon = self.server.fake
        daemon.heard.append((self.command, self.path, json.loads(body) if body else None))
        status, answer = daemon.answer(self.command, self.path)
        self.close_connection = True
        if answer is STREAM:
            self._stream(status, daemon.new_stream())
            return
        if answer is NOTHING:
            return
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_DELETE = _answer

    def _stream(self, status, events):
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        while (event := events.get()) is not None:
            try:
                self.wfile.write(f"event: state\ndata: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
            except OSError:
                return


STREAM = object()
NOTHING = object()  # the connection breaks before the answer


class FakeDaemon:
    """Answers by a table of (method, path): (status, body, STREAM or NOTHING); what it heard is in `heard`."""

    def __init__(self, path):
        self.path = path
        self.answers = {("POST", "/v1/sessions"): (201, STREAM)}
        self.on = {}  # the same, by a call that gives the answer
        self.heard = []
        self.streams = []
        self.server = None

    def start(self):
        self.server = _Server(self.path, _Handler)
        self.server.fake = self
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self):
        """As if killed: every stream breaks off, nobody listens any more."""
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        self.server = None
        os.unlink(self.path)
        for events in self.streams:
            events.put(None)

    def answer(self, method, path):
        if (method, path) in self.on:
            return self.on[method, path]()
        if (method, path) in self.answers:
            return self.answers[method, path]
        if method == "DELETE":
            return 200, {"state": "ended"}
        return 404, {"title": "Not Found"}

    def new_stream(self):
        self.streams.append(queue.Queue())
        return self.streams[-1]

    def stream(self, number=1):
        """The number-th stream, once it was asked for."""
        wait_until(lambda: len(self.streams) >= number, f"stream {number} is opened")
        return self.streams[number - 1]

    def tell(self, state, exhausts_in_ms=None, number=1, **more):
        self.stream(number).put({"state": state, "exhausts_in_ms": exhausts_in_ms, "resource": "render",
                                 "heartbeat_ms": 1_000, **more})

    def close_stream(self, number=1):
        self.stream(number).put(None)

    def bodies(self, method, path):
        return [body for m, p, body in list(self.heard) if (m, p) == (method, path)]


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mb-")
        self.daemon = FakeDaemon(f"{self.folder}/products.sock").start()
        self.admin = FakeDaemon(f"{self.folder}/admin.sock").start()
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", self.folder], check=True))
        self.addCleanup(self.daemon.stop)
        self.addCleanup(self.admin.stop)

    def argv(self, *argv):
        return [f"{BIN}/meterbox", "--socket", self.admin.path, "--products-socket", self.daemon.path, *argv]

    def cli(self, *argv, expect=0, text=None, env=None):
        done = subprocess.run(self.argv(*argv), input=text, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, expect, (argv, done.stdout, done.stderr))
        return done

    def failed(self, *argv, expect, text=None):
        """What it says on stderr: one line, and nothing on stdout."""
        done = self.cli(*argv, expect=expect, text=text)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("meterbox: "), done.stderr)
        return done.stderr

    def begin(self, *command, options=(), before=None):
        """meterbox run in the background; before: called in its process, ahead of it."""
        process = subprocess.Popen(self.argv("run", "--resource", "render", *options, "--", *command),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=before)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stdout.close(), process.stderr.close()))
        return process

    def end(self, process, expect):
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, expect, (out, err))
        return out, err

    def file(self, name):
        return f"{self.folder}/{name}"

    def text_of(self, name):
        try:
            with open(self.file(name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""
