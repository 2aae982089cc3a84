"""100: meterbox run meters a command for as long as it runs, and its exit code says how it ended.

Goal: the command's own code, 128 + n for a signal, 126 and 127; 4 when refused (and the command isn't
started) or stopped at exhaustion, by SIGTERM and after the grace by SIGKILL; 3 without the daemon.
"""

import os
import subprocess
import time

from over_http import wait_until
from support import BIN, EndToEnd, main


class Run(EndToEnd):
    def meter(self, *command, expect, options=()):
        return self.one.cli("run", "--resource", "render", *options, "--", *command, expect=expect)

    def test_the_exit_code_is_the_commands_own(self):
        _, self.one = self.one_agent(unit="20m")
        self.assertEqual(self.meter("echo", "hello", expect=0), "hello")
        self.meter("sh", "-c", "exit 7", expect=7)
        self.meter("sh", "-c", "kill -TERM $$", expect=128 + 15)
        self.meter("/does/not/exist", expect=127)
        with open(f"{self.folder}/data", "w", encoding="utf-8") as file:
            file.write("not a program\n")
        self.meter(f"{self.folder}/data", expect=126)

    def test_the_time_of_the_command_is_metered(self):
        _, self.one = self.one_agent(unit="20m")
        before = time.monotonic()
        self.meter("sleep", "0.5", expect=0)
        spent = int((time.monotonic() - before) * 1000)
        remainder = self.one.resource("render")["remainder"]
        self.assertGreaterEqual(remainder, 500)
        self.assertLessEqual(remainder, spent + 1)

    def test_a_refused_command_is_not_started(self):
        account, self.one = self.one_agent(unit="1s", amount=1)
        self.one.report("render", "all", duration_ms=1_000)
        self.one.until("render", lambda r: r["state"] == "exhausted", "the only unit is used up")
        self.meter("touch", f"{self.folder}/started", expect=4)
        self.assertFalse(os.path.exists(f"{self.folder}/started"))
        account.command("audit", "studio")

    def test_a_command_is_stopped_at_exhaustion(self):
        _, self.one = self.one_agent(unit="1s", amount=2)
        trap = f"trap 'echo stopped > {self.folder}/told; exit 0' TERM; while :; do sleep 0.05; done"
        self.meter("sh", "-c", trap, expect=4)
        with open(f"{self.folder}/told", encoding="utf-8") as file:
            self.assertEqual(file.read(), "stopped\n")
        self.assertEqual(self.one.resource("render")["overage_units"], 0)

    def test_a_command_that_does_not_stop_is_killed_after_the_grace(self):
        _, self.one = self.one_agent(unit="1s", amount=1)
        self.meter("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done", expect=4, options=["--grace", "200ms"])

    def begin(self, command):
        """meterbox run in the background, its command begun: it has heard its session's first state."""
        command = ("sh", "-c", f"touch {self.folder}/begun; exec {command}")
        process = subprocess.Popen([f"{BIN}/meterbox", "--products-socket", self.one.products, "run",
                                    "--resource", "render", "--", *command], stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.wait(), process.stderr.close()))
        wait_until(lambda: os.path.exists(f"{self.folder}/begun"), "its command runs")
        return process

    def test_what_ran_while_the_agent_was_down_is_metered(self):
        _, self.one = self.one_agent(unit="20m")
        begun = time.monotonic()
        process = self.begin("sleep 1")
        self.one.kill()
        self.assertIn("the daemon is gone; waiting", process.stderr.readline())
        ran_ms = int((time.monotonic() - begun) * 1000)
        time.sleep(0.5)  # the agent is away for longer than the command ran
        self.one.restart()
        self.assertEqual(process.wait(20), 0)
        metered = self.one.resource("render")["remainder"]
        self.assertGreaterEqual(metered, 1_000)
        self.assertLessEqual(metered, ran_ms + 1)

    def test_a_unit_used_without_the_agent_is_not_free_again(self):
        account, self.one = self.one_agent(unit="1s", amount=1)
        process = self.begin("sleep 100")
        self.one.kill()
        self.assertIn("the daemon is gone and what was left of render is used up", process.stderr.readline())
        self.one.restart()
        self.assertEqual(process.wait(20), 4)
        self.one.until("render", lambda r: r["state"] == "exhausted", "the unit is used up")
        self.one.cli("sync")
        self.assertEqual(account.card("studio", "render")["charged_units"], 1)

    def test_without_the_daemon_the_command_is_not_started(self):
        _, self.one = self.one_agent()
        self.one.process.stop()
        self.meter("touch", f"{self.folder}/started", expect=3)
        self.assertFalse(os.path.exists(f"{self.folder}/started"))


main()
