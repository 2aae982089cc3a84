"""What the benches have in common: the machine, the table, and each one's own part of docs/BENCHMARKS.md."""

import contextlib
import fcntl
import os
import platform
import re

from support import run

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PAGE = os.path.join(TOP, "docs/BENCHMARKS.md")
HEAD = ("figure", "value", "reference", "ratio", "target", "met")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    filesystem = run("df", "--output=fstype", "/var/tmp").split()[-1]
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{len(models)} x {models[0] if models else platform.machine()}, {memory_gb:.0f} GiB, "
            f"Linux {platform.release()}, {filesystem}")


def table_of(rows):
    """rows: (figure, value, reference, ratio, target, met or None)"""
    rows = [(*row[:5], {True: "yes", False: "NO", None: ""}[row[5]]) for row in rows]
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    return "\n".join([line(HEAD), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def write_part(heading, text):
    """Puts the text under its heading, and leaves the other benches' parts as they are."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    part = f"## {heading}\n\n{text.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    if pattern.search(page):
        page = pattern.sub(lambda _: part + "\n", page)
    else:
        page = page.rstrip() + "\n\n" + part
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page.rstrip() + "\n")


@contextlib.contextmanager
def quiet():
    """While something is measured: the file METERBOX_BENCH_LOCK is locked, which others on the machine may heed."""
    path = os.environ.get("METERBOX_BENCH_LOCK")
    if not path:
        yield
        return
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
