"""110: a full disk refuses reports and loses none.

Goal: with no room left a report is answered 503 storage and nothing is taken; when there is room again
the same report is taken, without a restart. The state is on a small tmpfs in a mount namespace of the
daemon's own; where the kernel gives none, the test is skipped.
"""

import os
import subprocess

from over_http import wait_until
from support import BIN, Agent, EndToEnd, Process, main

NAMESPACE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]
MOUNT = 'mount -t tmpfs -o size=3m none "$0" && exec setpriv --pdeathsig KILL "$@"'


class SmallDiskAgent(Agent):
    def start(self, *more):
        state = f"{self.folder}/state"
        os.makedirs(state, exist_ok=True)
        self.process = Process([*NAMESPACE, "sh", "-c", MOUNT, state,
                                f"{BIN}/meterboxd", "--config", self.config, *more], f"{self.folder}.log")
        wait_until(self.healthy, "meterboxd answers")
        return self

    @property
    def filler(self):
        return f"/proc/{self.process.pid}/root{self.folder}/state/filler"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass


class FullDisk(EndToEnd):
    def setUp(self):
        if subprocess.run([*NAMESPACE, "sh", "-c", MOUNT, self.folder, "true"], capture_output=True,
                          check=False).returncode != 0:
            self.skipTest("no mount namespace here")

    def test_reports_are_refused_while_the_disk_is_full_and_taken_afterwards(self):
        account = self.account()
        account.team("studio", "render", "20m", 100)
        one = SmallDiskAgent(f"{self.folder}/one", "one")
        self.programs.append(one)
        one.start().enroll(account, "studio", "render")
        taken = 0
        one.fill()
        for number in range(3000):  # the journal may have room of its own for a while
            answer = one.report("render", f"r{number}", duration_ms=1, subject="s" * 60)
            if answer.status != 200:
                break
            taken += 1
            one.fill()
        self.assertEqual((answer.status, answer.error), (503, "storage"), answer)
        self.assertTrue(int(answer.headers["Retry-After"]) >= 0)
        self.assertEqual(one.resource("render")["remainder"], taken, "nothing was taken")
        self.assertTrue(one.process.alive())

        os.remove(one.filler)
        wait_until(lambda: one.report("render", f"r{number}", duration_ms=1, subject="s" * 60).status == 200,
                   "the report is taken when there is room")
        self.assertEqual(one.resource("render")["remainder"], taken + 1)


main()
