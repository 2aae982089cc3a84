"""cli_run: what meterbox run does with its command when the command or the user misbehave.

Goal: no command runs before its session does, none runs on past its balance, whatever of it is left alive;
and in between the meter is not noticed. Without its daemon: cli_run_outage.
"""

import os
import pty
import signal
import unittest

from fake_daemon import CommandLine
from over_http import DEADLINE, wait_until

# Writes each signal that it gets to FILE, and ends with 9 at SIGINT.
NOTING = """
import signal, sys
def note(number, frame):
    with open(sys.argv[1], "a") as file: file.write(signal.Signals(number).name + " ")
    if number == signal.SIGINT: sys.exit(9)
for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, note)
open(sys.argv[1], "w").write("ready ")
while True: signal.pause()
"""

# Starts a program from a thread of its own, writes its number to FILE, and waits for it.
THREADED = """
import subprocess, sys, threading
def start():
    child = subprocess.Popen(["sleep", "100"])
    print(child.pid, file=open(sys.argv[1], "w"))
    child.wait()
threading.Thread(target=start).start()
"""


class Run(CommandLine):
    def until_written(self, name, what):
        wait_until(lambda: self.text_of(name) == what, f"{name} holds {what!r}")

    def refused(self, expect, *said):
        told = self.failed("run", "--resource", "render", "--", "touch", self.file("started"), expect=expect)
        self.assertFalse(os.path.exists(self.file("started")))
        for words in said:
            self.assertIn(words, told)

    def gone(self, pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    def test_the_meter_is_not_noticed_when_all_goes_well(self):
        process = self.begin("sh", "-c", "cat; echo out; grep SigBlk /proc/self/status; exit 7",
                             options=["--subject", "job 17"])
        self.daemon.tell("active")
        out, err = self.end(process, 7)
        self.assertEqual(out.split(), ["out", "SigBlk:", "0" * 16])
        self.assertEqual(err, "")
        [opened] = self.daemon.bodies("POST", "/v1/sessions")
        self.assertEqual((opened["resource"], opened["subject"]), ("render", "job 17"))
        [ended] = self.daemon.bodies("DELETE", f"/v1/sessions/{opened['id']}")
        self.assertEqual(list(ended), ["ran_ms"])

    def test_a_command_that_a_signal_killed_gives_128_and_its_number(self):
        for session, number in enumerate((signal.SIGTERM, signal.SIGKILL), 1):
            process = self.begin("sh", "-c", f"kill -{int(number)} $$")
            self.daemon.tell("active", number=session)
            self.end(process, 128 + number)

    def test_a_command_ends_its_session_also_where_whoever_began_it_ignores_children(self):
        process = self.begin("grep", "SigIgn", "/proc/self/status",
                             before=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.daemon.tell("active")
        out, _ = self.end(process, 0)
        self.assertTrue(ignores(out, signal.SIGCHLD), "the command finds its signals as they were")
        self.assertEqual(len([h for h in self.daemon.heard if h[0] == "DELETE"]), 1)

    def test_a_stderr_that_nobody_reads_ends_no_command(self):
        process = self.begin("sh", "-c", f"echo > {self.file('ready')}; until test -e {self.file('go')}; "
                                         "do sleep 0.02; done; grep SigIgn /proc/self/status; exit 7")
        self.daemon.tell("active", 100_000)
        wait_until(lambda: os.path.exists(self.file("ready")), "the command runs")
        process.stderr.close()
        self.daemon.answers["GET", f"/v1/sessions/{self.daemon.bodies('POST', '/v1/sessions')[0]['id']}"] = (
            200, {"state": "active", "exhausts_in_ms": 60_000})
        self.daemon.tell("low", 1)  # told, it is asked for at its end
        wait_until(lambda: [h for h in self.daemon.heard if h[0] == "GET"], "the warning was written")
        open(self.file("go"), "w", encoding="utf-8").close()
        self.assertEqual(process.wait(DEADLINE), 7)
        self.assertFalse(ignores(process.stdout.read(), signal.SIGPIPE), "the command finds its signals as they were")

    def test_a_command_that_cannot_be_started(self):
        with open(self.file("text"), "w", encoding="utf-8") as file:
            file.write("not a program")
        commands = ((127, "/does/not/exist"), (127, "no-such-program-anywhere"), (126, self.file("text")),
                    (126, self.folder))
        for session, (code, command) in enumerate(commands, 1):
            process = self.begin(command)
            self.daemon.tell("active", number=session)
            out, err = self.end(process, code)
            self.assertEqual(out, "")
            self.assertIn(command, err)
            self.assertEqual(len([h for h in self.daemon.heard if h[0] == "DELETE"]), session)

    def test_nothing_is_started_before_the_first_state(self):
        process = self.begin("touch", self.file("started"))
        self.daemon.stream()
        self.assertFalse(os.path.exists(self.file("started")))
        self.daemon.tell("active")
        self.end(process, 0)
        self.assertTrue(os.path.exists(self.file("started")))

    def test_a_refused_command_is_not_started(self):
        self.daemon.answers["POST", "/v1/sessions"] = (402, {"type": "urn:meterbox:error:exhausted",
                                                            "detail": "render is exhausted"})
        self.refused(4, "render is exhausted")
        self.daemon.answers["POST", "/v1/sessions"] = (422, {"type": "urn:meterbox:error:invalid",
                                                            "detail": "no resource render"})
        self.refused(1, "no resource render")

    def test_a_command_told_to_stop_at_once_is_not_started(self):
        self.daemon.new_stream = lambda: _ready(self.daemon, [{"state": "stop", "exhausts_in_ms": 0}])
        self.refused(4, "used up")

    def test_without_a_daemon_the_command_is_not_started(self):
        self.daemon.new_stream = lambda: _ready(self.daemon, [None])
        self.refused(3)
        self.daemon.stop()
        self.refused(3, self.daemon.path)

    def test_low_is_told_once(self):
        process = self.begin("sh", "-c", f"echo > {self.file('ready')}; sleep 100")
        self.daemon.tell("active", 100_000)
        wait_until(lambda: os.path.exists(self.file("ready")), "the command runs")
        for state, left in (("low", 90_000), ("active", 95_000), ("low", 80_000)):
            self.daemon.tell(state, left)
        self.assertEqual(process.stderr.readline(), "meterbox: render is low: used up in 1m30s\n")
        self.daemon.tell("stop")
        self.assertEqual(self.end(process, 4)[1], "meterbox: render is used up; stopping the command\n")

    def test_a_command_is_told_to_stop_and_so_is_all_that_it_started(self):
        process = self.begin("sh", "-c", f"sleep 100 & echo $! > {self.file('pid')}; wait; echo survived")
        self.daemon.tell("low", 60_000)
        wait_until(lambda: self.text_of("pid").endswith("\n"), "the command runs")
        self.daemon.tell("stop")
        out, err = self.end(process, 4)
        self.assertEqual(out, "")
        self.assertEqual(err.splitlines(), ["meterbox: render is low: used up in 1m",
                                            "meterbox: render is used up; stopping the command"])
        self.assertTrue(self.gone(int(self.text_of("pid"))))

    def test_what_a_thread_of_the_command_started_is_told_to_stop(self):
        process = self.begin("python3", "-c", THREADED, self.file("pid"), options=["--grace", "1h"])
        self.daemon.tell("active")
        wait_until(lambda: self.text_of("pid").endswith("\n"), "the command runs")
        self.daemon.tell("stop")
        self.end(process, 4)
        self.assertTrue(self.gone(int(self.text_of("pid"))))

    def test_what_does_not_stop_is_killed_after_the_grace(self):
        script = f"trap '' TERM; (trap '' TERM; sleep 100) & echo $! > {self.file('pid')}; wait; sleep 100"
        process = self.begin("sh", "-c", script, options=["--grace", "100ms"])
        self.daemon.tell("active")
        wait_until(lambda: self.text_of("pid").endswith("\n"), "the command runs")
        self.daemon.tell("stop")
        self.end(process, 4)
        self.assertTrue(self.gone(int(self.text_of("pid"))))

    def test_a_command_may_use_its_grace(self):
        script = f"trap 'sleep 0.3; echo saved; exit 0' TERM; echo > {self.file('ready')}; while :; do sleep 0.02; done"
        process = self.begin("sh", "-c", script)
        self.daemon.tell("active")
        wait_until(lambda: os.path.exists(self.file("ready")), "the command runs")
        self.daemon.tell("stop")
        out, _ = self.end(process, 4)
        self.assertEqual(out, "saved\n")

    def test_a_session_that_was_ended_stops_its_command(self):
        process = self.begin("sh", "-c", f"echo > {self.file('ready')}; sleep 100")
        self.daemon.tell("active")
        wait_until(lambda: os.path.exists(self.file("ready")), "the command runs")
        self.daemon.tell("ended")
        self.assertIn("the session was ended", self.end(process, 1)[1])

    def test_signals_reach_the_command_once(self):
        process = self.begin("python3", "-c", NOTING, self.file("noted"))
        self.daemon.tell("active")
        self.until_written("noted", "ready ")
        process.send_signal(signal.SIGTERM)
        self.until_written("noted", "ready SIGTERM ")
        process.send_signal(signal.SIGHUP)
        self.until_written("noted", "ready SIGTERM SIGHUP ")
        process.send_signal(signal.SIGINT)
        self.end(process, 9)
        self.assertEqual(self.text_of("noted"), "ready SIGTERM SIGHUP SIGINT ")

    def test_a_command_does_not_outlive_a_killed_meter(self):
        process = self.begin("sh", "-c", f"echo $$ > {self.file('pid')}; exec sleep 100")
        self.daemon.tell("active")
        wait_until(lambda: self.text_of("pid").endswith("\n"), "the command runs")
        process.kill()
        wait_until(lambda: _dead(int(self.text_of("pid"))), "the command ends")

    def test_on_a_terminal_its_keys_speak_to_the_command_once(self):
        argv = self.argv("run", "--resource", "render", "--", "python3", "-c", NOTING, self.file("noted"))
        try:
            pid, terminal = pty.fork()
        except OSError as error:  # a bare folder that somebody changed root into
            self.skipTest(f"no terminals here: {error}")
        if pid == 0:
            try:
                os.execv(argv[0], argv)
            finally:
                os._exit(99)
        self.addCleanup(os.close, terminal)
        self.daemon.tell("active")
        self.until_written("noted", "ready ")
        os.kill(pid, signal.SIGTERM)
        self.until_written("noted", "ready SIGTERM ")
        os.write(terminal, b"\x03")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 9)
        self.assertEqual(self.text_of("noted"), "ready SIGTERM SIGINT ")

    def test_wrong_usage(self):
        self.assertIn("no command", self.failed("run", "--resource", "render", expect=2))
        self.assertIn("--grace", self.failed("run", "--resource", "r", "--grace", "soon", "--", "true", expect=2))
        self.assertIn("--resource", self.failed("run", "--", "true", expect=2))
        self.assertEqual(self.daemon.heard, [])


def _ready(daemon, events):
    stream = type(daemon).new_stream(daemon)
    for event in events:
        stream.put(event)
    return stream


def ignores(status, number):
    """By the line SigIgn of a process's status."""
    return int(status.split()[1], 16) >> (number - 1) & 1 == 1


def _dead(pid):
    """Gone, or a zombie that nobody has collected yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


if __name__ == "__main__":
    unittest.main(verbosity=2)
