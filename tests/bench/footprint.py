"""What the agent costs its machine: memory, size, start, and what it does while nothing happens."""

import collections
import os
import socket
import subprocess
import tempfile
import time

from support import BIN, Process

Memory = collections.namedtuple("Memory", "private shared")  # MB
Cost = collections.namedtuple("Cost", "ticks written wakeups")


def memory(pid):
    """Resident memory: private and shared pages."""
    totals = collections.Counter()
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name.startswith(("Private_", "Shared_")) and rest.strip().endswith("kB"):
                totals[name.split("_")[0]] += int(rest.split()[0])
    return Memory(totals["Private"] / 1024, totals["Shared"] / 1024)


def binary_size(path):
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, path], check=True)
        return os.path.getsize(stripped.name) / 1e6


def _counters(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/io", encoding="utf-8") as file:
        written = next(int(line.split()[1]) for line in file if line.startswith("write_bytes"))
    wakeups = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            wakeups += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return Cost(int(fields[11]) + int(fields[12]), written, wakeups)


def idle_cost(pid, seconds):
    time.sleep(2)  # what enrollment set going comes to rest
    before = _counters(pid)
    time.sleep(seconds)
    return Cost(*(now - then for now, then in zip(_counters(pid), before)))


def time_to_first_answer(agent):
    """Milliseconds from exec to the answer to a report, on an enrolled agent's state."""
    body = ('{"specversion":"1.0","source":"/bench","id":"%d","type":"render","data":{"duration_ms":1}}'
            % time.time_ns()).encode()
    request = (b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/cloudevents+json\r\n"
               b"Content-Length: %d\r\n\r\n" % len(body)) + body
    started = time.monotonic()
    agent.process = Process([f"{BIN}/meterboxd", "--config", agent.config], f"{agent.folder}.log")
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.connect(agent.products)
            except OSError:
                if not agent.process.alive() or time.monotonic() - started > 20:
                    raise
                time.sleep(0.0002)
                continue
            connection.sendall(request)
            answer = connection.recv(4096)
            took = (time.monotonic() - started) * 1000
        assert answer.startswith(b"HTTP/1.1 200"), answer
        agent.process.stop()
        return took
