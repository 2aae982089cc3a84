"""Checks the model of the protocol, lease_core.pml, with spin: every state of every configuration.

First the configurations, which must hold; then the broken variants, each without one safety measure,
which must fail, and at the claim that is there for it. Ends with 1 where one of them does otherwise,
or where a search was cut short. Needs the Debian packages spin and gcc.

    python3 tests/model/run.py [--quick] [NAME ...]
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lease_core.pml")
MEMORY_MB = 3500
DEPTH = 1000000
SECONDS = 900  # for one search

# name, flags, part of --quick
GOOD = [
    ("network", "-DNA=2 -DPA=2 -DMAXM=4 -DMAXR=1", False),
    ("network-small", "-DNA=2 -DPA=2 -DMAXM=2 -DMAXR=1 -DONE", True),
    ("need", "-DNEED -DREPORTS -DNA=2 -DPA=2 -DMAXM=4", False),
    ("need-small", "-DNEED -DREPORTS -DONE -DNA=2 -DPA=1 -DMAXM=3", True),
    ("crash", "-DCRASH -DREPORTS -DONE -DNA=1 -DPA=1 -DMAXR=1", False),
    ("crash-small", "-DCRASH -DREPORTS -DONE -DNA=1 -DPA=1 -DEVENTS=2", True),
    ("fork", "-DFORK -DREPORTS -DONE -DPA=1 -DMAXM=3", False),
    ("fork-small", "-DFORK -DONE -DPA=1 -DUT=1 -DMAXM=2", True),
    ("backup", "-DBACKUP -DONE -DNA=2 -DUT=1 -DPA=2 -DMAXM=3 -DMAXR=1", False),
    ("backup-small", "-DBACKUP -DONE -DNA=2 -DUT=1 -DPA=1 -DMAXM=2 -DMAXR=1", True),
    ("write-off", "-DBACKUP -DWRITE_OFF -DONE -DNA=2 -DUT=1 -DPA=2 -DMAXM=3 -DMAXR=1", False),
    ("tiers", "-DNT=2 -DREPORTS -DNA=1 -DPA=1 -DPB=1 -DMAXM=4 -DMAXR=1", False),
    ("tiers-small", "-DNT=2 -DREPORTS -DONE -DNA=1 -DPA=1 -DPB=1 -DMAXM=4", True),
    ("refresh", "-DNT=2 -DREFRESH -DREPORTS -DNA=1 -DPA=1 -DPB=1 -DMAXM=4 -DMAXR=1", False),
    ("tickets", "-DTICKETS -DNA=2 -DPA=1 -DMAXM=3 -DMAXR=1 -DMAXW=2", False),
    ("tickets-3", "-DTICKETS -DONE -DNA=3 -DPA=1 -DMAXM=3 -DMAXR=1 -DMAXW=3", False),
    ("tickets-small", "-DTICKETS -DONE -DNA=2 -DPA=1 -DMAXM=3 -DMAXR=1 -DMAXW=2", True),
    ("hand-over", "-DRETIRE -DREPORTS -DONE -DNA=2 -DPA=2 -DMAXM=4", False),
    ("hand-over-small", "-DRETIRE -DREPORTS -DONE -DNA=2 -DPA=1 -DMAXM=2", True),
]

# BREAK_..., the configuration, the claim that must find it, HARM (no claim but of the damage itself), part of --quick
BROKEN = [
    ("PER_MESSAGE", "network", "I17", True, False),
    ("NUMBER", "network", "I7", False, True),
    ("LEASE_ADDED", "network", "I3", True, False),
    ("LEASE_BEFORE_COMMIT", "network", "I13", False, True),
    ("NO_RESERVATION", "network", "I6", False, False),
    ("RETURN_IN_USE", "network", "I6", False, True),
    ("ANSWERED_AS_NEW", "need", "ONCE", False, False),
    ("NEED_TWICE", "need", "ONCE", False, False),
    ("ACKNOWLEDGED_EARLY", "crash", "I8", False, False),
    ("IDENTITY", "crash-small", "I10", False, True),
    ("LEASE_UNSTORED", "crash-small", "I3", False, False),
    ("SENT_BEFORE_COMMIT", "crash-small", "I3", False, False),
    ("NO_FENCE", "fork", "I17", True, True),
    ("LATE_HELLO", "fork", "I14", False, False),
    ("CARRY_FROM_START", "fork", "I17", False, False),
    ("CARRY_ALL", "fork", "I17", False, False),
    ("NONCE", "backup", "I1", True, True),
    ("LEARNING", "backup", "I1", True, True),
    ("LEARNED_AT_HELLO", "backup", "I1", True, False),
    ("SESSION_KEPT", "backup", "I1", True, False),
    ("DRAW_ORDER", "tiers", "I11", False, False),
    ("OVERTAKE", "tickets", "I18", False, False),
    ("RESERVE_FIRST", "tickets-small", "I18", False, True),
    ("HANDOVER_TWICE", "hand-over", "I17", False, True),
    ("DRAINING_SPENDS", "hand-over", "I17", False, False),
]

CUT_SHORT = re.compile(r"search depth too small|out of memory|reached -DMEMLIM|Search not completed")


def run(command, folder, seconds=SECONDS):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None, "out of time"
    return done.returncode, done.stdout + done.stderr


def number(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else "?"


class Search:
    """One configuration, generated, compiled and run in a folder of its own."""

    def __init__(self, folder, flags, optimize):
        self.started = time.monotonic()
        self.folder = folder
        self.flags = flags.split()
        self.failure = None
        self.output = ""
        shutil.copy(MODEL, folder)
        for command in (["spin", "-a", *self.flags, "lease_core.pml"],
                        ["gcc", "-w", optimize, "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}", "-o", "pan",
                         "pan.c"]):
            status, self.output = run(command, folder)
            if status != 0:
                self.failure = f"{command[0]} failed"
                return
        status, self.output = run(["./pan", f"-m{DEPTH}", "-w22"], folder)
        if status is None:
            self.failure = "out of time"

    def complete(self):
        return self.failure is None and not CUT_SHORT.search(self.output)

    def errors(self):
        found = re.search(r"errors: (\d+)", self.output)
        return int(found.group(1)) if found else None

    def caught_by(self):
        """The claim that failed: its number stands in the assertion, its name in the model."""
        found = re.search(r"assertion violated .*\|\|\s*\((\d+)==0\)\)* \(at depth", self.output)
        if not found:
            return number(r"pan:1: (.*?) \(at depth", self.output)
        with open(MODEL, encoding="utf-8") as file:
            return number(rf"#define (I\d+|ONCE|PROGRESS) {found.group(1)} +/\*", file.read())

    def line(self, name, verdict):
        states = number(r"(\S+) states, stored", self.output)
        depth = number(r"depth reached (\d+)", self.output)
        seconds = time.monotonic() - self.started
        return f"{name:34} {states:>9} states  depth {depth:>6}  {seconds:6.1f} s  {verdict}"


def check(name, flags, optimize, tag=None):
    """True where a configuration held; with a tag, where a broken variant failed at that claim."""
    with tempfile.TemporaryDirectory(prefix="meterbox-model-") as folder:
        search = Search(folder, flags, optimize)
        verdict, right = judge(search, tag)
        print(search.line(name, verdict), flush=True)
        if search.failure and search.failure != "out of time":
            print(search.output)
        return right


def judge(search, tag):
    if search.failure:
        return "FAILED: " + search.failure, False
    if search.errors() is None:
        return "FAILED: no result", False
    if tag is None:
        if search.errors():
            return "FAILED: " + search.caught_by(), False
        return ("holds", True) if search.complete() else ("FAILED: cut short", False)
    if not search.errors():
        return "FAILED: nothing found it", False
    found = search.caught_by()
    return (f"breaks {found}", True) if found == tag else (f"FAILED: found by {found}, not by {tag}", False)


def main():
    parser = argparse.ArgumentParser(description="check the model of the protocol with spin")
    parser.add_argument("--quick", action="store_true", help="small configurations and some broken variants")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (a broken variant without its BREAK_)")
    arguments = parser.parse_args()
    for program in ("spin", "gcc"):
        if not shutil.which(program):
            print(f"{program} is missing: apt-get install {program}", file=sys.stderr)
            return 1

    unknown = set(arguments.names) - {entry[0] for entry in GOOD + BROKEN}
    if unknown:
        print("no such configuration: " + " ".join(sorted(unknown)), file=sys.stderr)
        return 1

    flags_of = {name: flags for name, flags, _ in GOOD}
    right = True
    for name, flags, quick in GOOD:
        if name in arguments.names if arguments.names else quick or not arguments.quick:
            right = check(name, flags, "-O0" if quick else "-O2") and right
    for name, base, tag, harm, quick in BROKEN:
        if name in arguments.names if arguments.names else quick or not arguments.quick:
            right = check(f"BREAK_{name} ({base})", f"{flags_of[base]} -DBREAK_{name}" + " -DHARM" * harm, "-O0",
                          tag) and right
    print("model: " + ("as it should be" if right else "NOT as it should be"))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
