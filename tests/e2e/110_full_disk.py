"""110: a full disk refuses reports and loses none.

Goal: with no room left a report is answered 503 storage and nothing is taken; when there is room again
the same report is taken, without a restart. Meanwhile a session goes on being metered, in the room that is
kept for it, and what it metered survives a kill. The state is on a small tmpfs in a mount namespace of the
daemon's own; where the kernel gives none, the test is skipped.
"""

import os
import subprocess

from over_http import request, wait_until
from support import BIN, Agent, EndToEnd, Process, main

NAMESPACE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]
MOUNT = 'mount -t tmpfs -o size=24m none "$0" && exec setpriv --pdeathsig KILL "$@"'


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

    @property
    def reserve(self):
        return f"/proc/{self.process.pid}/root{self.folder}/state/journal.db-reserve"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for size in (1 << 20, 65536, 4096, 1):
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
        wait_until(lambda: os.path.exists(one.reserve) and os.path.getsize(one.reserve) > 0, "room is kept back")
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
        self.assertEqual(one.status()["journal"]["state"], "full")
        self.assertEqual(os.path.getsize(one.reserve), 0, "the room is let go")
        session = one.session("render", id="s")
        self.assertEqual(session.status, 201, session)
        wait_until(lambda: request(one.products, "PUT", "/v1/sessions/s/heartbeat").json["metered"] > 0,
                   "it is metered on a full disk")
        ended = request(one.products, "DELETE", "/v1/sessions/s")
        self.assertEqual(ended.status, 200, ended)
        remainder = taken + ended.json["metered"]
        self.assertEqual(one.resource("render")["remainder"], remainder)

        os.remove(one.filler)
        wait_until(lambda: one.report("render", f"r{number}", duration_ms=1, subject="s" * 60).status == 200,
                   "the report is taken when there is room")
        self.assertEqual(one.resource("render")["remainder"], remainder + 1)
        wait_until(lambda: one.status()["journal"]["state"] == "ok", "room is kept back again")
        self.assertTrue(os.path.getsize(one.reserve) > 0)


main()
