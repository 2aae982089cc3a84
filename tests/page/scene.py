"""The account that the dashboard's tests look at: real programs, real agents, every kind of card.

Sets it up in a temporary folder, then runs the command that it is given with the page's address, the tokens
and what the command line says about the team in the environment, and ends with its exit code:

    METERBOX_BIN=build/dev/bin python3 tests/page/scene.py COMMAND...

77, which CTest shows as skipped, where Chromium or the packages of package.json are missing.
"""

import ctypes
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/e2e"))

from over_http import wait_until  # noqa: E402
from support import BIN, Account, Agent, tail  # noqa: E402

TOOLS = os.environ.get("METERBOX_PAGE_TOOLS") or os.path.join(TOP, "build/page-tools")
SKIPPED = 77
PR_SET_PDEATHSIG = 1


def missing():
    """What the tests need and this machine lacks, or nothing."""
    if not shutil.which("node"):
        return "node (Debian's package nodejs)"
    if not shutil.which("chromium"):
        return "Chromium (Debian's package chromium)"
    if not all(os.path.isdir(f"{TOOLS}/node_modules/{package}") for package in ("playwright-core", "axe-core")):
        return "the packages of tests/page/package.json (./dev test installs them)"
    return None


def moment(**ahead):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sell(account):
    """Team studio: a card of each kind. Team lab: nothing yet."""
    def resource(key, unit, *more, measure="duration", kind="exhaustible"):
        account.command("resource", "add", key, "--kind", kind, "--measure", measure, "--unit", unit, *more)

    def grant(tier, *more):
        account.command("grant", "add", "studio", "--tier", tier, *more)

    account.command("team", "add", "studio", "--name", "Studio North", "--zone", "Europe/Paris")
    account.command("team", "add", "lab", "--name", "<b>Lab</b> & friends")
    resource("render", "20m", "--name", "Rendering of photogrammetry and point clouds")
    grant("free", "--resource", "render", "--amount", "50", "--refresh", "cycle")
    grant("flex", "--resource", "render", "--amount", "100", "--ends", moment(days=30))
    resource("bake", "1m", "--name", "Baking", "--rate-token-flex", "3")
    grant("token_flex", "--tokens", "100", "--ends", moment(days=5))
    resource("simulate", "1m", "--name", "Simulation")
    grant("free", "--resource", "simulate", "--amount", "2", "--ends", moment(hours=20))
    resource("seats", "1", "--name", "Seats", measure="count", kind="returnable")
    grant("flex", "--resource", "seats", "--amount", "10", "--ends", moment(days=365))
    resource("api", "10", "--price", "12", "--currency", "EUR", measure="count")
    grant("payg", "--resource", "api")
    resource("watch", "1m", "--name", "Watching", "--enforcement", "none")
    resource("plain", "1", measure="count")


def use(account, folder):
    """Two agents that used some of it, on several days, and one that never came; their processes."""
    one = Agent(f"{folder}/one", "render-01").start().enroll(account, "studio", "render")
    two = Agent(f"{folder}/two", "<i>render-02</i>").start().enroll(account, "studio", "render")
    minute = 60_000
    for day, minutes in enumerate([90, 45, 0, 200, 10, 0, 75]):
        if minutes:
            one.report("render", f"day {day}", duration_ms=minutes * minute, time=moment(days=-day), subject="job 17")
    two.report("render", "more", duration_ms=33 * minute + 7_000)
    two.report("render", "last month", duration_ms=500 * minute, time=moment(days=-40))
    one.report("bake", "all but six", duration_ms=27 * minute)
    one.report("simulate", "too much", duration_ms=3 * minute)
    one.report("api", "calls", quantity=1234)
    one.report("watch", "watched", duration_ms=12 * minute)
    one.seats = one.stream("seats", quantity=3)  # for as long as it is open

    def settled():
        cards = {card["resource"]: card for card in account.json("balance", "studio")["cards"]}
        return (cards["bake"]["state"] == "low" and cards["simulate"]["state"] == "exhausted"
                and cards["api"]["charged_units"] == 123 and cards["seats"]["charged_units"] == 3)

    wait_until(settled, "the account has heard of all usage")
    account.command("agent", "revoke", next(agent["id"] for agent in account.json("agent", "list", "studio")["agents"]
                                            if agent["name"] == two.name))
    return [one, two]


def end_with_us():
    """In the child: node, and the browser with it, ends when this process does, whatever ends it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main(command):
    lacking = missing()
    if lacking:
        print(f"skipped: the dashboard's tests need {lacking}")
        return SKIPPED
    folder = tempfile.mkdtemp(prefix="mb-")
    programs = [Account(f"{folder}/acc")]
    try:
        account = programs[0].start()
        sell(account)
        programs += use(account, folder)
        with open(f"{account.store}/admin.token", encoding="utf-8") as file:
            token = file.read().strip()
        environment = {
            **os.environ,
            "METERBOX_BIN": BIN,
            "METERBOX_PAGE_TOOLS": TOOLS,
            "METERBOX_PAGE_URL": f"https://{account.admin_listen}/",
            "METERBOX_PAGE_TOKEN": token,
            "METERBOX_PAGE_TEAM_TOKEN": account.command("admin", "token", "--team", "lab"),
            "METERBOX_PAGE_STORE": account.store,
        }
        status = subprocess.run(command, env=environment, preexec_fn=end_with_us, check=False).returncode
        if status:
            print(f"---- the account said\n{tail(programs[0].process.log)}", file=sys.stderr)
        return status
    finally:
        for program in programs:
            if program.process and program.process.alive():
                program.process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
