"""190: a disk that fails ends the agent, then keeps it up without it, and nothing acknowledged is lost.

Goal: a sync that fails at a commit ends the process with nothing acknowledged and one clear line; the third
time within ten minutes it stays up, answers 503 storage, says so on /status and /readyz, and leaves that by
itself when the disk works again. Whatever was retried counts once. The disk's failures are made by a library
that is preloaded (tests/support/failing_disk.cpp).
"""

import os
import signal
import unittest

from over_http import request, wait_until
from support import BIN, Agent, EndToEnd, main, tail

LIBRARY = f"{BIN}/failing_disk.so"


class FailingAgent(Agent):
    """Its state's folder is on a disk that fails while the file `fails` is there."""

    def start(self, *more):
        os.environ["LD_PRELOAD"] = LIBRARY
        os.environ["METERBOX_FAILING_DISK"] = self.control
        os.environ["METERBOX_FAILING_FOLDER"] = f"{self.folder}/state"
        try:
            return super().start(*more)
        finally:
            del os.environ["LD_PRELOAD"]

    @property
    def control(self):
        return f"{self.folder}/fails"

    def fail(self):
        with open(self.control, "w", encoding="utf-8"):
            pass

    def mend(self):
        os.remove(self.control)

    def ended(self):
        wait_until(lambda: not self.process.alive(), "the process ends")
        return self.process.process.returncode


@unittest.skipUnless(os.path.exists(LIBRARY), "built with sanitizers, which come first or not at all")
class FailingDisk(EndToEnd):
    def failing_agent(self):
        account = self.account()
        account.team("studio", "render", "20m", 100)
        one = FailingAgent(f"{self.folder}/one", "one")
        self.programs.append(one)
        return one.start().enroll(account, "studio", "render")

    def break_commit(self, one, event_id):
        """A report that must not be acknowledged."""
        try:
            answer = one.report("render", event_id, duration_ms=1000)
        except (OSError, EOFError):
            return
        self.assertNotEqual(answer.status, 200, "acknowledged without a sync")

    def test_the_third_failure_keeps_it_up_without_its_journal_until_the_disk_works_again(self):
        one = self.failing_agent()
        self.assertEqual(one.report("render", "before", duration_ms=500).status, 200)
        for time in (1, 2):
            one.fail()
            self.break_commit(one, f"failed {time}")
            self.assertEqual(one.ended(), 1)
            self.assertIn("can't be written, so nothing is acknowledged", tail(f"{one.folder}.log"))
            one.mend()
            one.start()
        one.fail()
        pid = one.process.pid
        self.break_commit(one, "failed 3")
        wait_until(lambda: one.healthy() and one.status()["journal"]["state"] == "fault", "it stays up")
        self.assertEqual(one.process.pid, pid)
        self.assertTrue(one.process.alive())
        for answer in (one.report("render", "refused", duration_ms=1000), one.session("render"),
                       request(one.admin, "GET", "/readyz")):
            self.assertEqual((answer.status, answer.error), (503, "storage"), answer)
        self.assertEqual(one.status()["agent"]["name"], "one")
        self.assertIn("meterbox_journal_ok 0", request(one.admin, "GET", "/metrics").body.decode())

        one.mend()
        wait_until(lambda: one.healthy() and request(one.admin, "GET", "/readyz").status == 200,
                   "it leaves that by itself")
        for event in ("before", "failed 1", "failed 2", "failed 3", "refused"):
            amount = 500 if event == "before" else 1000
            wait_until(lambda event=event, amount=amount:
                       one.report("render", event, duration_ms=amount).status == 200, "taken, or known")
        self.assertEqual(one.resource("render")["remainder"], 4500, "each counts once")
        self.assertEqual(one.status()["journal"]["state"], "ok")
        one.process.signal(signal.SIGTERM)
        self.assertEqual(one.ended(), 0)

    def test_signals_are_heard_after_it_has_begun_again_in_its_own_place(self):
        one = self.failing_agent()
        for time in (1, 2):
            one.fail()
            self.break_commit(one, f"failed {time}")
            one.ended()
            one.mend()
            one.start()
        one.fail()
        self.break_commit(one, "failed 3")
        wait_until(lambda: one.healthy() and one.status()["journal"]["state"] == "fault", "it stays up")
        one.process.signal(signal.SIGTERM)
        self.assertEqual(one.ended(), 0)


main()
