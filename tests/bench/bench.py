"""./dev bench: how fast and how small the agent is on this machine, beside what its disk and redis can do.

The agent is the released one, enrolled with an account, checking and storing everything; the disk's own
fdatasync and redis with appendfsync=always are measured in the same repetitions, one after the other,
because disks drift within minutes. Medians. A full run writes its part of docs/BENCHMARKS.md; --quick prints
alone. The account's own figures are in account.py.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))
import sessions  # noqa: E402
from footprint import binary_size, idle_cost, memory, time_to_first_answer  # noqa: E402
from page import machine, table_of, write_part  # noqa: E402
from references import Redis, fdatasync_rate  # noqa: E402
from support import BIN, Account, Agent, run  # noqa: E402

CONNECTIONS = (1, 8, 64)
SESSIONS = 10_000
TARGETS = {1: 0.4, 8: 1.8, 64: 5.0}  # durable acknowledgements a second, against fdatasync a second


class Bench:
    def __init__(self, folder, quick):
        self.folder = folder
        self.seconds = 0.5 if quick else 1.5
        self.repetitions = 3 if quick else 5
        self.idle_seconds = 10 if quick else 60
        self.session_seconds = 10 if quick else 60
        self.account = Account(f"{folder}/acc")
        self.agents = 0
        self.measured = {}  # name: values, one a repetition

    def note(self, name, value):
        self.measured.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.measured[name])

    def enrolled_agent(self):
        """An agent with an empty journal: each measurement starts with the same."""
        self.agents += 1
        agent = Agent(f"{self.folder}/a{self.agents}", f"a{self.agents}", sync_interval="4m").start()
        return agent.enroll(self.account, "bench", "render")

    def load(self, connections, ids, batch=1):
        agent = self.enrolled_agent()
        try:
            figures = json.loads(run(
                f"{BIN}/http_load", "--socket", agent.products, "--resource", "render",
                "--connections", str(connections), "--seconds", str(self.seconds), "--warmup", "0.2",
                "--ids", ids, "--batch", str(batch)))
            name = f"{connections} {ids}" + (f" x{batch}" if batch > 1 else "")
            self.note(f"{name} rate", figures["events_per_second"])
            self.note(f"{name} p50", figures["p50_us"])
            self.note(f"{name} p99", figures["p99_us"])
            if (connections, ids, batch) == (64, "random", 1):
                self.note("loaded memory", memory(agent.process.pid))
        finally:
            agent.process.stop()
            shutil.rmtree(agent.folder)

    def measure(self):
        self.account.start()
        self.account.team("bench", "render", "20m", 1_000_000_000)
        with Redis(self.folder) as redis:
            for repetition in range(self.repetitions):
                print(f"repetition {repetition + 1} of {self.repetitions}", flush=True)
                for connections in CONNECTIONS:
                    self.note("fdatasync", fdatasync_rate(self.folder, self.seconds))
                    for name, value in redis.incrby(connections, self.seconds).items():
                        self.note(f"{connections} redis {name}", value)
                    self.load(connections, "random")
                    self.load(connections, "sequential")
                self.load(8, "random", 100)
                self.load(8, "sequential", 100)
        print(f"at rest for {self.idle_seconds} s", flush=True)
        agent = self.enrolled_agent()
        self.note("idle memory", memory(agent.process.pid))
        self.note("idle", idle_cost(agent.process.pid, self.idle_seconds))
        agent.process.stop()
        for _ in range(self.repetitions):
            self.note("first answer", time_to_first_answer(agent))
        self.note("binary", binary_size(f"{BIN}/meterboxd"))
        self.account.process.stop()
        for kind in sessions.KINDS:
            print(f"{SESSIONS:,} sessions by {kind}", flush=True)
            self.note(kind, sessions.measure(kind, SESSIONS, self.session_seconds))

    # ---- the table

    def rows(self):
        """(figure, value, reference, ratio, target, met or None)"""
        disk = self.median("fdatasync")
        for connections in CONNECTIONS:
            rate = self.median(f"{connections} random rate")
            target = TARGETS[connections]
            yield (f"acknowledgements/s, {connections} connections, random ids", f"{rate:,.0f}",
                   f"fdatasync {disk:,.0f}", f"{rate / disk:.2f}", f">= {target}", rate / disk >= target)
            redis = self.median(f"{connections} redis rate")
            yield ("- against redis", f"{rate:,.0f}", f"redis {redis:,.0f}", f"{rate / redis:.2f}", "", None)
            yield ("- p50 / p99, us", self.latency(f"{connections} random"),
                   "redis " + self.latency(f"{connections} redis"), "", "", None)
            sequential = self.median(f"{connections} sequential rate")
            yield (f"acknowledgements/s, {connections} connections, sequential ids", f"{sequential:,.0f}",
                   f"fdatasync {disk:,.0f}", f"{sequential / disk:.2f}", "", None)
        rate, sequential = self.median("8 random x100 rate"), self.median("8 sequential x100 rate")
        yield ("events/s in batches of 100, 8 connections, random ids", f"{rate:,.0f}",
               f"sequential {sequential:,.0f}", f"{rate / sequential:.2f}", "", None)
        yield ("- p50 / p99 of a batch, us", self.latency("8 random x100"),
               "sequential " + self.latency("8 sequential x100"), "", "", None)
        yield from self.footprint_rows()
        for kind in sessions.KINDS:
            yield from sessions.rows(kind, SESSIONS, self.measured[kind][0])

    def latency(self, name):
        return f"{self.median(name + ' p50'):,.0f} / {self.median(name + ' p99'):,.0f}"

    def footprint_rows(self):
        idle, loaded = self.measured["idle memory"][0], self.measured["loaded memory"][-1]
        yield ("resident memory idle, private + shared, MB", f"{idle.private:.1f} + {idle.shared:.1f}", "", "",
               "<= 8", idle.private + idle.shared <= 8)
        yield ("resident memory after 64 connections, private + shared, MB",
               f"{loaded.private:.1f} + {loaded.shared:.1f}", "", "", "", None)
        yield ("program, stripped, MB", f"{self.measured['binary'][0]:.2f}", "", "", "", None)
        yield ("exec to the first durable answer, ms", f"{self.median('first answer'):.1f}", "", "", "", None)
        cost = self.measured["idle"][0]
        over = f"idle for {self.idle_seconds} s: "
        yield (over + "CPU ticks of 10 ms", str(cost.ticks), "", "", "0", cost.ticks == 0)
        yield (over + "bytes written", str(cost.written), "", "", "0", cost.written == 0)
        yield (over + "wake-ups a second", f"{cost.wakeups / self.idle_seconds:.2f}", "", "", "", None)


def write_page(bench, table):
    write_part("The agent", f"""
Written by `./dev bench`: medians of {bench.repetitions} interleaved repetitions of {bench.seconds} s.
Machine: {machine()}.

fdatasync: 4 KiB into a preallocated file. redis: 7, `appendfsync always`, `INCRBY` over a Unix socket. The load,
the account and the agent share the machine. Each event is checked, looked up by its identity, rated and stored;
the journal is empty at the start.

{table}""")


def main():
    if sys.argv[1:] not in ([], ["--quick"]):
        print("usage: ./dev bench [--quick]", file=sys.stderr)
        return 2
    folder = tempfile.mkdtemp(prefix="mb-", dir="/var/tmp")  # on the disk, where /tmp may be memory
    bench = Bench(folder, bool(sys.argv[1:]))
    try:
        bench.measure()
        table = table_of(bench.rows())
        print(f"\n{machine()}\n\n{table}")
        if not sys.argv[1:]:
            write_page(bench, table)
            print("\nwritten to docs/BENCHMARKS.md")
    finally:
        if bench.account.process and bench.account.process.alive():
            bench.account.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
