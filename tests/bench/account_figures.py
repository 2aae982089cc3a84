"""An account under load, as ./dev bench --account measures it: one team, agents, and a server that only echoes.

Load and reference are commands to account_load, which speaks the real protocol over TLS for agents that were
enrolled for it. The history that figures need (ten thousand charges, a million) is made by the same agents in the
same way: each of their syncs completes a unit in each of the team's resources.
"""

import json
import os
import signal
import subprocess

from support import BIN, Account, run

TICKS = os.sysconf("SC_CLK_TCK")
GRANTED = 10**12  # units: more than any run can charge


class LoadedAccount:
    def __init__(self, folder, agents, resources=1):
        self.account = Account(folder).start()
        self.agents = agents
        command = self.account.command
        command("team", "add", "bench")
        for number in range(resources):
            key = f"render-{number}"
            command("resource", "add", key, "--kind", "exhaustible", "--measure", "duration", "--unit", "20m")
            command("grant", "add", "bench", "--resource", key, "--tier", "flex", "--amount", str(GRANTED))
        with open(f"{folder}.tokens", "w", encoding="utf-8") as file:
            for _ in range(agents):
                print(command("agent", "token", "bench"), file=file)
        self.echo = subprocess.Popen([f"{BIN}/https_echo_server", f"{folder}.ca"], stdout=subprocess.PIPE, text=True)
        echo_port = self.echo.stdout.readline().strip()
        with open(f"{folder}.ca", "a", encoding="utf-8") as file:
            print(command("ca"), file=file)
        self.load = subprocess.Popen(
            [f"{BIN}/account_load", "--account", self.account.listen, "--echo", f"127.0.0.1:{echo_port}",
             "--ca", f"{folder}.ca", "--tokens", f"{folder}.tokens"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def command(self, *argv):
        """One that may take long beside the load."""
        return run(f"{BIN}/meterbox-account", "--store", self.account.place, *argv, seconds=900)

    @property
    def pid(self):
        return self.account.process.pid

    def answer(self):
        line = self.load.stdout.readline()
        if not line:
            raise AssertionError("account_load ended: its message is above")
        return json.loads(line)

    def begin(self, command, amount):
        print(command, amount, file=self.load.stdin, flush=True)

    def interrupt(self):
        """Ends what was begun, before its time."""
        self.load.send_signal(signal.SIGUSR1)

    def run(self, command, amount):
        """The load's figures, and the processor time that the account's process took for each sync."""
        before = processor_seconds(self.pid)
        self.begin(command, amount)
        figures = self.answer()
        if figures["syncs"]:
            figures["us_each"] = (processor_seconds(self.pid) - before) * 1e6 / figures["syncs"]
        return figures

    def stop(self):
        self.load.stdin.close()
        self.echo.terminate()
        for process in (self.load, self.echo):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        self.account.process.stop()


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
