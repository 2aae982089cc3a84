"""HTTP as a product speaks it: requests over a Unix socket, bytes as they are, server-sent events.

Waiting is for a condition, never for a time. Python's standard library alone.
"""

import http.client
import json
import socket
import time

DEADLINE = 20.0  # seconds; how long a condition may take before a test calls it broken


def wait_until(condition, what, seconds=DEADLINE):
    """The first true value of condition(), asked again and again; an AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {value!r}")
        time.sleep(0.02)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=DEADLINE):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The name of the problem that this answer tells: urn:meterbox:error:NAME."""
        return self.json["type"].rpartition(":")[2]

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def exchange(connection, method, path, body=None, headers=None):
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection.request(method, path, body, headers)
    return Answer(connection.getresponse())


def request(socket_path, method, path, body=None, headers=None):
    connection = UnixConnection(socket_path)
    try:
        return exchange(connection, method, path, body, headers)
    finally:
        connection.close()


def request_loopback(port, method, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        return exchange(connection, method, path, None, headers)
    finally:
        connection.close()


def raw(socket_path, data, seconds=DEADLINE):
    """Sends bytes as they are and gives all that comes back until the daemon closes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        connection.connect(socket_path)
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the daemon may answer and close before it has read all
        received = b""
        while True:
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                return received
            if not chunk:
                return received
            received += chunk


class Stream:
    """A session by connection: the server-sent events of POST /v1/sessions."""

    def __init__(self, socket_path, body):
        self.connection = UnixConnection(socket_path)
        self.connection.request("POST", "/v1/sessions", json.dumps(body),
                                {"Content-Type": "application/json", "Accept": "text/event-stream"})
        self.response = self.connection.getresponse()

    @property
    def status(self):
        return self.response.status

    def next(self):
        """(event name, data) of the next event; (None, None) at the end of the stream."""
        name, data = None, []
        while True:
            line = self.response.readline().decode()
            if not line:
                return None, None
            line = line.rstrip("\r\n")
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
            elif not line and data:
                return name, json.loads("\n".join(data))

    def until_state(self, state):
        while True:
            _, data = self.next()
            if data is None:
                raise AssertionError(f"the stream ended before it said '{state}'")
            if data["state"] == state:
                return data

    def close(self):
        self.connection.close()
