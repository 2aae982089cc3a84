"""Many sessions at once: what metering them costs, and how long the last one waits for its stop.

An agent of the built programs runs N sessions, by connection or by heartbeat. Its CPU is read over some
seconds in which nothing but metering goes on; then the account is taken away and one report uses up
what is leased. By connection, the time until the last `stop` event is read counts; by heartbeat, until
the agent says stop of the last one that is asked, and a heartbeat of every one of them is answered.

    METERBOX_BIN=build/release/bin python3 -B tests/bench/sessions.py [--sessions 10000] [--seconds 20]
"""

import argparse
import json
import os
import resource
import selectors
import shutil
import socket
import sys
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))
from over_http import request, wait_until  # noqa: E402
from support import Account, Agent  # noqa: E402

TARGET_STOP_S = 1.0
GOAL_STOP_S = 0.1
GOAL_CORE_PERCENT = 1.0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wire(method, path, body=None, events=False):
    text = json.dumps(body) if body is not None else ""
    accept = "Accept: text/event-stream\r\n" if events else ""
    return (f"{method} {path} HTTP/1.1\r\nHost: meterbox\r\nContent-Type: application/json\r\n{accept}"
            f"Content-Length: {len(text)}\r\n\r\n{text}").encode()


class Connection:
    """One connection to the products' socket; counts what it has read of a word."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.seen = b""
        self.stopped = False

    def send(self, data):
        self.socket.sendall(data)

    def wait_for(self, count, word):
        """Reads until the word has come so often."""
        self.seen = b""
        self.socket.settimeout(60)
        while self.seen.count(word) < count:
            chunk = self.socket.recv(1 << 20)
            if not chunk:
                raise AssertionError("the agent closed the connection: " + self.seen[-300:].decode())
            self.seen += chunk


class World:
    def __init__(self, folder, sessions):
        limit = sessions + 1_000
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, 4_096), max(limit, 4_096)))
        self.sessions = sessions
        self.account = Account(f"{folder}/acc")
        self.account.start()
        self.account.team("bench", "render", "20m", 10_000_000)
        self.agent = Agent(f"{folder}/one", "one", sync_interval="4m")
        self.agent.start("--set", f"products.max_connections={limit}", "--set", f"products.max_sessions={limit}",
                         "--set", "products.heartbeat=10m")
        self.agent.enroll(self.account, "bench", "render")
        self.connections = []

    def open_by_connection(self):
        for number in range(self.sessions):
            connection = Connection(self.agent.products)
            connection.send(wire("POST", "/v1/sessions", {"resource": "render", "id": f"s{number}"}, events=True))
            self.connections.append(connection)
        for connection in self.connections:
            connection.wait_for(1, b"event: state")

    def open_by_heartbeat(self):
        one = Connection(self.agent.products)
        for begin in range(0, self.sessions, 100):
            count = min(100, self.sessions - begin)
            one.send(b"".join(wire("POST", "/v1/sessions", {"resource": "render", "id": f"s{begin + i}"})
                              for i in range(count)))
            one.wait_for(count, b"\"state\":\"active\"")
        self.connections = [one]

    def metering_percent(self, seconds):
        before, began = cpu_seconds(self.agent.process.pid), time.monotonic()
        time.sleep(seconds)  # nothing but metering goes on
        return 100 * (cpu_seconds(self.agent.process.pid) - before) / (time.monotonic() - began)

    def use_up(self):
        """One report takes all that is left; the moment before it was sent."""
        self.account.process.kill()
        request(self.agent.admin, "POST", "/v1/sync")
        wait_until(lambda: not self.agent.status()["account"]["reachable"], "the account is missed")
        available = self.agent.resource("render")["available"]
        began = time.monotonic()
        self.agent.report("render", "all", duration_ms=available)
        return began

    def stop_streams(self):
        selector = selectors.DefaultSelector()
        for connection in self.connections:
            connection.socket.setblocking(False)
            connection.seen = b""
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = self.use_up()
        waiting = len(self.connections)
        while waiting:
            ready = selector.select(30)
            if not ready:
                raise AssertionError(f"{waiting} sessions heard no stop")
            for key, _ in ready:
                connection = key.data
                connection.seen += connection.socket.recv(1 << 16)
                if not connection.stopped and b"\"state\":\"stop\"" in connection.seen:
                    connection.stopped = True
                    waiting -= 1
        return time.monotonic() - began

    def stop_heartbeats(self):
        one = self.connections[0]
        began = self.use_up()
        path = f"/v1/sessions/s{self.sessions - 1}"
        wait_until(lambda: request(self.agent.products, "GET", path).json["state"] == "stop", "the last is to stop")
        told = time.monotonic() - began
        for begin in range(0, self.sessions, 100):
            count = min(100, self.sessions - begin)
            one.send(b"".join(wire("PUT", f"/v1/sessions/s{begin + i}/heartbeat") for i in range(count)))
            one.wait_for(count, b"\"state\":\"stop\"")
        return told, time.monotonic() - began

    def end(self):
        for connection in self.connections:
            connection.socket.close()
        for program in (self.agent, self.account):
            if program.process.alive():
                program.process.kill()


def measure(kind, sessions, seconds):
    folder = tempfile.mkdtemp(prefix="mb-")
    world = World(folder, sessions)
    try:
        began = time.monotonic()
        world.open_by_connection() if kind == "connection" else world.open_by_heartbeat()
        opened = time.monotonic() - began
        percent = world.metering_percent(seconds)
        if kind == "connection":
            stopped = world.stop_streams()
            more = ""
        else:
            stopped, all_answered = world.stop_heartbeats()
            more = f"; a heartbeat of each answered within {all_answered:.2f} s"
        print(f"{sessions} sessions by {kind}: opened in {opened:.1f} s; metering {percent:.2f} % of a core "
              f"(goal {GOAL_CORE_PERCENT:g}); exhaustion to the last stop {1_000 * stopped:.0f} ms "
              f"(target {1_000 * TARGET_STOP_S:g}, goal {1_000 * GOAL_STOP_S:g}){more}", flush=True)
        return stopped <= TARGET_STOP_S
    finally:
        world.end()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sessions", type=int, default=10_000)
    arguments.add_argument("--seconds", type=int, default=20)
    chosen = arguments.parse_args()
    kept = [measure(kind, chosen.sessions, chosen.seconds) for kind in ("heartbeat", "connection")]
    sys.exit(0 if all(kept) else 1)


main()
