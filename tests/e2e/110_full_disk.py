"""110: a full disk refuses reports and loses none.

Goal: with no room left a report is answered 503 storage and nothing is taken; when there is room again
the same report is taken, without a restart. Meanwhile a session goes on being metered, in the room that is
kept for it, and what it metered survives a kill. So it is after a restart, too. The state is on a small tmpfs
in a mount namespace of its own; where the kernel gives none, the test is skipped.
"""

import os
import subprocess

from over_http import request, wait_until
from support import BIN, Agent, EndToEnd, Process, main

NAMESPACE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]
MOUNT = 'mount -t tmpfs -o size=24m none "$0" && exec setpriv --pdeathsig KILL "$@"'
ENTER = ["nsenter", "--mount"] if os.getuid() == 0 else ["nsenter", "--mount", "--user", "--preserve-credentials"]


class SmallDiskAgent(Agent):
    def __init__(self, folder, name):
        super().__init__(folder, name)
        state = f"{folder}/state"
        os.makedirs(state)
        self.disk = Process([*NAMESPACE, "sh", "-c", MOUNT, state, "sleep", "infinity"], f"{folder}.disk.log")
        self.state = f"/proc/{self.disk.pid}/root{state}"
        self.filler = f"{self.state}/filler"
        self.reserve = f"{self.state}/journal.db-reserve"
        here = os.stat(state).st_dev
        wait_until(lambda: os.stat(self.state).st_dev != here, "the disk is mounted")

    def start(self, *more):
        self.process = Process([*ENTER, "--target", str(self.disk.pid), "setpriv", "--pdeathsig", "KILL",
                                f"{BIN}/meterboxd", "--config", self.config, *more], f"{self.folder}.log")
        wait_until(self.healthy, "meterboxd answers")
        return self

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

    def small_disk_agent(self):
        one = SmallDiskAgent(f"{self.folder}/one", "one")
        self.programs.append(one)
        self.addCleanup(one.disk.kill)
        return one

    def refuse_a_report(self, one):
        """Fills the disk until a report finds no room; what was taken, and the one that wasn't."""
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
        return taken, f"r{number}"

    def agent_with_reserve(self):
        account = self.account()
        account.team("studio", "render", "20m", 100)
        one = self.small_disk_agent().start().enroll(account, "studio", "render")
        wait_until(lambda: os.path.exists(one.reserve) and os.path.getsize(one.reserve) > 0, "room is kept back")
        return one

    def test_reports_are_refused_while_the_disk_is_full_and_taken_afterwards(self):
        one = self.agent_with_reserve()
        taken, refused = self.refuse_a_report(one)
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
        wait_until(lambda: one.report("render", refused, duration_ms=1, subject="s" * 60).status == 200,
                   "the report is taken when there is room")
        self.assertEqual(one.resource("render")["remainder"], remainder + 1)
        wait_until(lambda: one.status()["journal"]["state"] == "ok", "room is kept back again")
        self.assertTrue(os.path.getsize(one.reserve) > 0)

    def metered(self, one):
        return request(one.products, "PUT", "/v1/sessions/s/heartbeat").json["metered"]

    def test_restarted_while_the_disk_is_full_it_goes_on_refusing_reports(self):
        one = self.agent_with_reserve()
        _, refused = self.refuse_a_report(one)
        self.assertEqual(one.session("render", id="s").status, 201)
        for end in ("stop", "kill"):  # of the process that runs then
            getattr(one.process, end)()
            one.restart()
            self.assertEqual(one.status()["journal"]["state"], "full")
            before = self.metered(one)
            wait_until(lambda: self.metered(one) > before + 1500, "it has looked for room, and meters")
            self.assertEqual(one.report("render", refused, duration_ms=1, subject="s" * 60).status, 503)
            self.assertEqual(one.status()["journal"]["state"], "full")
            self.assertEqual(os.path.getsize(one.reserve), 0)
            one.cli("sync")
        os.remove(one.filler)
        wait_until(lambda: one.report("render", refused, duration_ms=1, subject="s" * 60).status == 200,
                   "the report is taken when there is room")
        self.assertTrue(os.path.getsize(one.reserve) > 0)

    def test_with_no_room_for_a_reserve_from_the_start_on_reports_are_refused(self):
        account = self.account()
        account.team("studio", "render", "20m", 100)
        one = self.small_disk_agent()
        with open(one.filler, "wb") as file:  # room for the reserve of 3 MiB once, and not twice
            file.write(b"x" * (19 << 20))
        one.start().enroll(account, "studio", "render")
        self.assertEqual(one.status()["journal"]["state"], "full")
        self.assertEqual(one.report("render", "a", duration_ms=1).error, "storage")
        self.assertEqual(one.session("render", id="s").status, 201)
        wait_until(lambda: self.metered(one) > 0, "sessions are metered")
        os.remove(one.filler)
        wait_until(lambda: one.report("render", "a", duration_ms=1).status == 200, "there is room")
        self.assertTrue(os.path.getsize(one.reserve) > 0)


main()
