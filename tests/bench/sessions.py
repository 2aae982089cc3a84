"""Many sessions at once: what metering them costs, and how long the last one waits for its stop.

An agent of the built programs runs N sessions, by connection or by heartbeat, with enough leased for all of
them. Its CPU is read over some seconds in which nothing but metering goes on; then the account is taken away
and one report uses up what is leased. By connection, the time until the last `stop` event is read counts; by
heartbeat, until the agent says stop of the last one that is asked, and a heartbeat of every one of them is
answered. A part of ./dev bench; alone:

    METERBOX_BIN=build/release/bin python3 -B tests/bench/sessions.py [--sessions 10000] [--seconds 20]
"""

import argparse
import collections
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
from footprint import memory  # noqa: E402
from over_http import request, wait_until  # noqa: E402
from page import table_of  # noqa: E402
from support import Account, Agent  # noqa: E402

KINDS = ("heartbeat", "connection")
TARGET_STOP_MS = 1_000
GOAL_STOP_MS = 100
GOAL_CORE_PERCENT = 1
GOAL_PRIVATE_MB = {"heartbeat": 16, "connection": 48}
LEASED_MS = 3_600_000  # a session, before it begins

Figures = collections.namedtuple("Figures", "opened_s percent stop_ms heard_ms memory")


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
            self.seen += chunk
            if not chunk or b"application/problem+json" in self.seen:
                raise AssertionError("the agent refused: " + self.seen[-600:].decode())


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
        self.lease_for_all()

    def lease_for_all(self):
        """What was used counts as the rate of a day: the agent is leased as much again."""
        self.agent.report("render", "before", duration_ms=self.sessions * LEASED_MS)
        self.agent.cli("sync")
        self.agent.until("render", lambda r: r["available"] >= self.sessions * LEASED_MS // 2,
                         "enough is leased for all sessions")

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
        told = time.monotonic() - began
        return told, told

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
    folder = tempfile.mkdtemp(prefix="mb-", dir="/var/tmp")
    world = World(folder, sessions)
    try:
        began = time.monotonic()
        world.open_by_connection() if kind == "connection" else world.open_by_heartbeat()
        opened = time.monotonic() - began
        percent = world.metering_percent(seconds)
        held = memory(world.agent.process.pid)
        stopped, heard = world.stop_streams() if kind == "connection" else world.stop_heartbeats()
        return Figures(opened, percent, 1_000 * stopped, 1_000 * heard, held)
    finally:
        world.end()
        shutil.rmtree(folder, ignore_errors=True)


def rows(kind, sessions, figures):
    """As page.table_of() takes them."""
    yield (f"{sessions:,} sessions by {kind}: exhaustion to the last stop, ms", f"{figures.stop_ms:,.0f}", "", "",
           f"<= {TARGET_STOP_MS:,} (goal {GOAL_STOP_MS})", figures.stop_ms <= TARGET_STOP_MS)
    if kind == "heartbeat":
        yield ("- until a heartbeat of each was answered, ms", f"{figures.heard_ms:,.0f}", "", "", "", None)
    yield ("- until all are open, s", f"{figures.opened_s:.1f}", "", "", "", None)
    yield ("- metering them, % of a core", f"{figures.percent:.2f}", "", "", f"goal {GOAL_CORE_PERCENT}",
           figures.percent <= GOAL_CORE_PERCENT)
    goal = GOAL_PRIVATE_MB[kind]
    yield ("- resident memory, private + shared, MB", f"{figures.memory.private:.1f} + {figures.memory.shared:.1f}",
           "", "", f"goal {goal} private", figures.memory.private <= goal)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sessions", type=int, default=10_000)
    arguments.add_argument("--seconds", type=int, default=20)
    chosen = arguments.parse_args()
    figures = {kind: measure(kind, chosen.sessions, chosen.seconds) for kind in KINDS}
    print(table_of(row for kind in KINDS for row in rows(kind, chosen.sessions, figures[kind])))
    sys.exit(0 if all(one.stop_ms <= TARGET_STOP_MS for one in figures.values()) else 1)


if __name__ == "__main__":
    main()
