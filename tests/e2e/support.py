"""The built programs as a test sees them: an account, agents, their sockets, their command lines.

Everything of one test lives in one short temporary folder (a Unix socket's path holds 107 bytes) and
dies with the test, whatever ends it. Python's standard library alone; the programs are taken from the
folder METERBOX_BIN.
"""

import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from over_http import DEADLINE, Stream, request, wait_until

BIN = os.environ.get("METERBOX_BIN") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../build/dev/bin")
_prctl = ctypes.CDLL(None).prctl
_PR_SET_PDEATHSIG = 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One of the programs, running; its stderr in a file."""

    def __init__(self, argv, log, environment=None):
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, **(environment or {})},
                preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM, and the exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.process.args[0]} did not end within {DEADLINE:g} s of SIGTERM") from None

    def kill(self):
        self.process.kill()
        self.process.wait()


def run(*argv, expect=0, text=None, seconds=60):
    """A command of ours to its end; its standard output. A failure of it is one of the test's."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=seconds, check=False)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def own_database():
    """The URL of a new database in the PostgreSQL that the tests were started with (tests/support/postgres.py)."""
    server = os.environ.get("METERBOX_TEST_DATABASE")
    if not server:
        return None
    name = "meterbox_" + secrets.token_hex(6)
    subprocess.run(["psql", "-X", "-q", "-c", f"CREATE DATABASE {name} TEMPLATE template0", server], check=True)
    return server.replace("/postgres?", f"/{name}?")


def ports_said_in(log, start):
    with open(log, encoding="utf-8") as file:
        file.seek(start)
        found = re.search(r"account\.listening.* listen=\S+?:(\d+) admin_listen=\S+?:(\d+)", file.read())
    return found and {"listen": found[1], "admin_listen": found[2]}


class Account:
    """A process of the account, its store in a folder; or at a URL, which several may share."""

    def __init__(self, folder, url=None):
        self.place = url or own_database() or folder
        self.store = folder
        self.process = None
        self.listen = "127.0.0.1:0"
        self.admin_listen = "127.0.0.1:0"
        self.extra, self.environment = [], {}  # further words of `serve`
        self.wrapper = []  # words that come before it, and end in being it

    def start(self):
        ports = os.path.join(self.store, "ports.json")
        if os.path.exists(ports):
            os.remove(ports)
        log = self.store + ".log"
        said = os.path.getsize(log) if os.path.exists(log) else 0
        self.process = Process(
            [*self.wrapper, f"{BIN}/meterbox-account", "--store", self.place, "serve",
             "--listen", self.listen, "--admin-listen", self.admin_listen, *self.extra], log, self.environment)

        def published():
            if not self.process.alive():
                raise AssertionError("meterbox-account ended at once:\n" + tail(self.process.log))
            if self.place != self.store:
                return ports_said_in(log, said)
            try:
                with open(ports, encoding="utf-8") as file:
                    return json.load(file)
            except (FileNotFoundError, ValueError):
                return None

        known = wait_until(published, "the account publishes its ports")
        self.listen = f"127.0.0.1:{known['listen']}"  # the same again after a restart
        self.admin_listen = f"127.0.0.1:{known['admin_listen']}"
        return self

    @property
    def url(self):
        return f"https://{self.listen}"

    def command(self, *argv, expect=0):
        return run(f"{BIN}/meterbox-account", "--store", self.place, *argv, expect=expect)

    def json(self, *argv):
        return json.loads(self.command("--json", *argv))

    def card(self, team, resource):
        return next(c for c in self.json("balance", team)["cards"] if c["resource"] == resource)

    def team(self, team, resource, unit, amount, tier="free", measure="duration"):
        """A team with one grant of one resource."""
        self.command("resource", "add", resource, "--kind", "exhaustible", "--measure", measure, "--unit", unit)
        self.command("team", "add", team)
        self.command("grant", "add", team, "--resource", resource, "--tier", tier, "--amount", str(amount))


class Agent:
    """An agent in a folder of its own; products.sock and admin.sock in it, loopback on a free port."""

    def __init__(self, folder, name, **settings):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.name = name
        self.process = None
        self.environment = {}
        self.products = f"{folder}/products.sock"
        self.admin = f"{folder}/admin.sock"
        self.port = free_port()
        self.config = f"{folder}/agent.toml"
        self.token = secrets.token_hex(16)
        with open(f"{folder}/token", "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(self.token + "\n")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"""[agent]
name = "{name}"
state_dir = "{folder}/state"
[products]
socket = "{self.products}"
group = ""
heartbeat = "{settings.get('heartbeat', '30s')}"
[admin]
socket = "{self.admin}"
group = ""
listen = "127.0.0.1:{self.port}"
token_file = "{folder}/token"
[account]
sync_interval = "{settings.get('sync_interval', '1s')}"
""")

    def launch(self, *more):
        self.process = Process([f"{BIN}/meterboxd", "--config", self.config, *more], f"{self.folder}.log",
                               self.environment)

    def start(self, *more):
        self.launch(*more)
        wait_until(self.healthy, "meterboxd answers")
        return self

    def healthy(self):
        if not self.process.alive():
            raise AssertionError("meterboxd ended at once:\n" + tail(self.process.log))
        try:
            return request(self.admin, "GET", "/healthz").status == 200
        except OSError:
            return False

    def restart(self, *more):
        return self.start(*more)

    def kill(self):
        self.process.kill()

    def cli(self, *argv, expect=0, text=None):
        return run(f"{BIN}/meterbox", "--socket", self.admin, "--products-socket", self.products,
                   *argv, expect=expect, text=text)

    def enroll(self, account, team, resource=None):
        self.cli("enroll", account.url, "--token", account.command("agent", "token", team))
        if resource:
            self.until(resource, lambda r: r["state"] != "unknown", "the first lease is here")
        return self

    def get(self, path):
        return request(self.products, "GET", path)

    def status(self):
        return request(self.admin, "GET", "/status").json

    def card(self, resource):
        return next(c for c in self.status()["cards"] if c["resource"] == resource)

    def resource(self, key):
        return self.get(f"/v1/resources/{key}").json

    def until(self, key, condition, what, seconds=DEADLINE):
        def asked():
            answer = self.get(f"/v1/resources/{key}")
            return answer.json if answer.status == 200 and condition(answer.json) else None
        return wait_until(asked, what, seconds)

    def report(self, resource, event_id, **data):
        """One usage event, structured; members of data as keywords, time and subject taken out."""
        event = {"specversion": "1.0", "source": "/test", "id": event_id, "type": resource}
        for attribute in ("time", "subject", "source"):
            if attribute in data:
                event[attribute] = data.pop(attribute)
        event["data"] = data
        return request(self.products, "POST", "/v1/events", json.dumps(event),
                       {"Content-Type": "application/cloudevents+json"})

    def session(self, resource, **more):
        return request(self.products, "POST", "/v1/sessions", {"resource": resource, **more})

    def stream(self, resource, **more):
        return Stream(self.products, {"resource": resource, **more})


def tail(path, lines=40):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except FileNotFoundError:
        return ""


class EndToEnd(unittest.TestCase):
    """A test with a folder of its own, and the programs in it ended when it is over."""

    def run(self, result=None):
        self.folder = tempfile.mkdtemp(prefix="mb-")
        self.programs = []
        result = result or self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        try:
            super().run(result)
        finally:
            for program in self.programs:
                if program.process and program.process.alive():
                    program.process.kill()
            if len(result.failures) + len(result.errors) > before:
                for name in sorted(os.listdir(self.folder)):
                    if name.endswith(".log"):
                        print(f"---- {name}\n{tail(os.path.join(self.folder, name))}", file=sys.stderr)
            shutil.rmtree(self.folder, ignore_errors=True)
        return result

    def account(self, wrapper=()):
        account = Account(f"{self.folder}/acc")
        account.wrapper = list(wrapper)
        self.programs.append(account)
        return account.start()

    def agent(self, name="one", **settings):
        agent = Agent(f"{self.folder}/{name}", name, **settings)
        self.programs.append(agent)
        return agent.start()

    def one_agent(self, unit="20m", amount=100, resource="render", measure="duration", **settings):
        """The usual set-up: team 'studio', one resource, one grant, one agent of it, enrolled."""
        account = self.account()
        account.team("studio", resource, unit, amount, measure=measure)
        agent = self.agent(**settings)
        return account, agent.enroll(account, "studio", resource)


def main():
    unittest.main(verbosity=2)
