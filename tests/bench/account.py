"""./dev bench --account: what the central account can do on this machine, beside what its disk and TLS allow.

The account is the released one; 64 agents sync in the real protocol over TLS, each on a kept connection, as fast as
they are answered, and share the machine's processors with it. fdatasync and a server that only sends the same bodies
back are measured in the same repetitions. Medians. A full run writes its part of docs/BENCHMARKS.md; --quick prints
alone. --store takes the URL of a PostgreSQL server in place of SQLite.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))
import support  # noqa: E402
from account_figures import LoadedAccount  # noqa: E402
from footprint import memory  # noqa: E402
from page import machine, quiet, table_of, write_part  # noqa: E402
from references import fdatasync_rate  # noqa: E402

AGENTS = 64
RESOURCES = 10  # of the team with a history
SYNCS_TARGET = {"SQLite": 3_000, "PostgreSQL": 2_000}
LEASE_P99_MS = 20
GROWTH_MAX = 1.2
AUDIT_S = 5
PAINT_MS = 100


class Bench:
    def __init__(self, folder, quick, store):
        self.folder = folder
        self.store = store
        self.seconds = 0.7 if quick else 1.5
        self.repetitions = 3 if quick else 5
        self.charges = 50_000 if quick else 1_000_000
        self.accounts = []
        self.measured = {}  # name: values, one a repetition

    def note(self, name, value):
        self.measured.setdefault(name, []).append(value)

    def median(self, name):
        return statistics.median(self.measured[name])

    def loaded(self, name, agents=AGENTS, resources=1):
        account = LoadedAccount(f"{self.folder}/{name}", agents, resources)
        self.accounts.append(account)
        return account

    def measure(self):
        print("enrolling, and making a history", flush=True)
        self.plain = self.loaded("plain")
        self.pool = self.loaded("pool")
        self.rows_told = self.loaded("rows")
        self.young, self.old = self.loaded("young", resources=RESOURCES), self.loaded("old", resources=RESOURCES)
        self.young.run("charge", self.charges // 100)
        self.old.run("charge", self.charges)
        with quiet():
            self.note("idle memory", memory(self.pool.pid))
            for repetition in range(self.repetitions):
                print(f"repetition {repetition + 1} of {self.repetitions}", flush=True)
                self.repeat()
            self.note("loaded memory", memory(self.plain.pid))
            self.measure_audit()
            if self.store == "SQLite":
                self.measure_backup()
                self.measure_first_paint()

    def repeat(self):
        self.note("fdatasync", fdatasync_rate(self.folder, self.seconds / 3))
        for kind in ("day", "units"):
            for name, value in self.plain.run(kind, self.seconds).items():
                self.note(f"{kind} {name}", value)
        fresh = self.plain.run("fresh", self.seconds)
        self.note("fresh rate", fresh["per_second"])
        self.note("fresh us_each", fresh["us_each"])
        for kind in ("subjects", "catchup"):
            for name, value in self.rows_told.run(kind, self.seconds).items():
                self.note(f"{kind} {name}", value)
        self.note("echo", self.plain.run("echo", self.seconds)["per_second"])
        for kind, seconds in (("paced", 2 * self.seconds), ("lease", self.seconds)):
            for name, value in self.pool.run(kind, seconds).items():
                self.note(f"{kind} {name}", value)
        for name, account in (("young", self.young), ("old", self.old)):
            figures = account.run("units", self.seconds)
            self.note(f"{name} us_each", figures["us_each"])
            self.note(f"{name} rate", figures["per_second"])

    def measure_audit(self):
        def audit():
            started = time.monotonic()
            report = json.loads(self.old.command("--json", "audit", "bench"))
            self.note("audit entries", report["checked"]["entries"])
            return time.monotonic() - started

        for _ in range(self.repetitions):
            self.note("audit", audit())
        took, longest = self.beside_syncs(audit)
        self.note("loaded audit", took)
        self.note("audit stall", longest)

    def measure_backup(self):
        file = f"{self.folder}/backup"
        took, longest = self.beside_syncs(lambda: self.old.command("backup", file))
        self.note("backup MB", os.path.getsize(file) / 1e6)
        self.note("backup", took)
        self.note("backup stall", longest)

    def beside_syncs(self, command):
        """How long a command takes while the agents sync, in s; and how long the longest sync took, in ms."""
        self.old.begin("day", 600)
        time.sleep(0.3)
        started = time.monotonic()
        command()
        took = time.monotonic() - started
        self.old.interrupt()
        return took, self.old.answer()["max_ms"]

    def measure_first_paint(self):
        scene = subprocess.run(
            [sys.executable, "-B", f"{TOP}/tests/page/scene.py", "node", f"{TOP}/tests/page/first_paint.mjs"],
            capture_output=True, text=True, check=False)
        found = re.search(r"first paint: median (\d+) ms, worst (\d+)", scene.stdout)
        if found:
            self.note("paint", int(found[1]))
            self.note("worst paint", int(found[2]))
        else:
            print(f"the page wasn't measured: {(scene.stdout + scene.stderr).strip()}", file=sys.stderr)

    # ---- the table

    def rows(self):
        """(figure, value, reference, ratio, target, met or None)"""
        disk, echo = self.median("fdatasync"), self.median("echo")
        target = SYNCS_TARGET[self.store]
        for kind, what in (("day", "syncs/s, half of the agents idle, half running"),
                           ("units", "syncs/s, each completes a unit")):
            rate = self.median(f"{kind} per_second")
            yield (what, f"{rate:,.0f}", f"fdatasync {disk:,.0f}", f"{rate / disk:.2f}", f">= {target:,}",
                   rate >= target)
            yield ("- against a server that only echoes", f"{rate:,.0f}", f"echo {echo:,.0f}", f"{rate / echo:.2f}",
                   "", None)
            yield ("- p50 / p99, ms", self.latency(kind), "", "", "", None)
            yield ("- processor time of the account, us a sync", f"{self.median(kind + ' us_each'):.0f}", "", "", "",
                   None)
        yield from self.usage_rows()
        yield ("syncs/s, each on a new connection, TLS resumed", f"{self.median('fresh rate'):,.0f}",
               f"{self.median('fresh us_each'):.0f} us a sync", "", "", None)
        p99 = self.median("paced p99_ms")
        yield (f"lease granted, {AGENTS} agents at one pool, each asks once a second, p50 / p99, ms",
               self.latency("paced"), "", "", f"p99 <= {LEASE_P99_MS}", p99 <= LEASE_P99_MS)
        yield ("- each asks again at once", self.latency("lease"),
               f"{self.median('lease per_second'):,.0f} leases/s", "", "", None)
        yield from self.history_rows()
        idle, loaded = self.measured["idle memory"][0], self.measured["loaded memory"][0]
        yield (f"resident memory, {AGENTS} connections at rest, private + shared, MB",
               f"{idle.private:.1f} + {idle.shared:.1f}", "", "", "", None)
        yield ("resident memory after the load, private + shared, MB",
               f"{loaded.private:.1f} + {loaded.shared:.1f}", "", "", "", None)
        if "paint" in self.measured:
            paint = self.measured["paint"][0]
            yield ("first paint of the card page in Chromium, ms", str(paint),
                   f"worst of 15: {self.measured['worst paint'][0]}", "", f"<= {PAINT_MS}", paint <= PAINT_MS)

    def usage_rows(self):
        units = self.median("units per_second")
        rate = self.median("subjects per_second")
        yield ("syncs/s, each tells 100 rows of usage, the subjects of its hour", f"{rate:,.0f}",
               f"one row {units:,.0f}", f"{rate / units:.2f}", "", None)
        yield ("- processor time of the account, us a sync", f"{self.median('subjects us_each'):.0f}",
               f"one row {self.median('units us_each'):.0f}", "", "", None)
        yield ("a sync with 2,000 rows of usage, of 20 hours, p50, ms", f"{self.median('catchup apart_p50_ms'):.1f}",
               "", "", "", None)
        yield (f"- beside it the other {AGENTS - 1}: syncs/s", f"{self.median('catchup per_second'):,.0f}",
               f"without it {units:,.0f}", f"{self.median('catchup per_second') / units:.2f}", "", None)
        yield ("- beside it the other ones: p50 / p99, ms", self.latency("catchup"), "", "", "", None)

    def history_rows(self):
        few, many = f"{self.charges // 100:,}", f"{self.charges:,}"
        young, old = self.median("young us_each"), self.median("old us_each")
        yield (f"processor time of a sync with {RESOURCES} completed units, {many} charges, us", f"{old:.0f}",
               f"{few} charges {young:.0f}", f"{old / young:.2f}", f"<= {GROWTH_MAX}", old / young <= GROWTH_MAX)
        young, old = self.median("young rate"), self.median("old rate")
        yield ("- syncs/s", f"{old:,.0f}", f"{few} charges {young:,.0f}", f"{old / young:.2f}", "", None)
        audit = self.median("audit")
        yield (f"audit, {self.median('audit entries'):,.0f} entries, s", f"{audit:.2f}", "", "", f"<= {AUDIT_S}",
               audit <= AUDIT_S)
        yield ("- beside syncs: s / longest sync meanwhile, ms",
               f"{self.median('loaded audit'):.2f} / {self.median('audit stall'):.0f}", "", "", "", None)
        if "backup" in self.measured:
            yield (f"backup of {self.median('backup MB'):,.0f} MB beside syncs: s / longest sync meanwhile, ms",
                   f"{self.median('backup'):.2f} / {self.median('backup stall'):.0f}", "", "", "", None)

    def latency(self, name):
        return f"{self.median(name + ' p50_ms'):.1f} / {self.median(name + ' p99_ms'):.1f}"

    def stop(self):
        for account in self.accounts:
            account.stop()


def write(bench, table):
    write_part(f"The account, on {bench.store}", f"""
Written by `./dev bench --account`: medians of {bench.repetitions} interleaved repetitions of {bench.seconds} s.
Machine: {machine()}.

{AGENTS} agents over TLS on kept connections, in a closed loop: each syncs again once it is answered. They share the
machine's processors with the account. fdatasync: 4 KiB into a preallocated file. echo: the same server, connections
and bodies with a handler that sends the body back. The history of charges was made by the same agents in the real
protocol.

An agent says at most once a second that it completed a unit, so that {AGENTS} of them ask for {AGENTS} leases a second
and no more. Where each asks again at once, the time is that of waiting behind {AGENTS - 1} others, each of whose leases
is signed.

{table}""")


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench --account")
    parser.add_argument("--account", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="shorter, a smaller history, writes no page")
    parser.add_argument("--store", default="sqlite", help="sqlite, or the URL of a PostgreSQL server")
    given = parser.parse_args()
    if given.store == "sqlite":
        return given, "SQLite"
    if not given.store.startswith("postgresql://") or not hasattr(support, "own_database"):
        parser.error(f"--store {given.store}: sqlite, or postgresql://... where this version has it")
    os.environ["METERBOX_TEST_DATABASE"] = given.store  # each account then gets a database of its own there
    return given, "PostgreSQL"


def main():
    given, store = arguments()
    folder = tempfile.mkdtemp(prefix="mb-", dir="/var/tmp")  # on the disk, where /tmp may be memory
    bench = Bench(folder, given.quick, store)
    try:
        bench.measure()
        table = table_of(bench.rows())
        print(f"\n{machine()}\n\n{table}")
        if not given.quick:
            write(bench, table)
            print("\nwritten to docs/BENCHMARKS.md")
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
