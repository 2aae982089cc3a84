"""The power cut for real: nothing that was acknowledged is lost, and nothing counts twice.

Goal: the daemon's state lies on an ext4 of its own, on a loop device. Under load that file system is shut
down (FS_IOC_SHUTDOWN, its log flushed or not), which is to a program what a power cut is to a disk: what
wasn't synced is gone, and that is tried first. The daemon is killed, the file system mounted again, the
daemon started again, and so on (METERBOX_CUTS times). At the end all usage is the sum of what was
acknowledged, to the millisecond. It needs root and loop devices, and is skipped where they can't be had.
"""

import fcntl
import os
import random
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from kill_loop import Reporter  # noqa: E402
from over_http import wait_until  # noqa: E402
from support import Agent, EndToEnd, main  # noqa: E402

CUTS = int(os.environ.get("METERBOX_CUTS", "10"))
SEED = int(os.environ.get("METERBOX_SEED", str(random.SystemRandom().randrange(1 << 30))))
REPORTERS = 6
FS_IOC_SHUTDOWN = 0x8004587D
FLUSHING_THE_LOG, NOT_EVEN_THAT = 1, 2


class NoDisk(Exception):
    """Loop devices, or what makes a file system on one, can't be had here."""


class Disk:
    """An ext4 in a file, mounted where the agent's state is."""

    def __init__(self, image, folder):
        self.image = image
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        with open(image, "wb") as file:
            file.truncate(256 << 20)
        try:
            self.ask("mkfs.ext4", "-q", image)
            self.mount()
        except (OSError, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", None) or str(error)
            raise NoDisk(f"no ext4 on a loop device to be had here: {why.strip()}") from error

    def ask(self, *command):
        subprocess.run(command, check=True, capture_output=True, text=True)

    def mount(self):
        self.ask("mount", "-o", "loop", self.image, self.folder)

    def unmount(self):
        self.ask("umount", self.folder)

    def cut(self, how=NOT_EVEN_THAT):
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, FS_IOC_SHUTDOWN, struct.pack("I", how))
        finally:
            os.close(folder)


class PowerLoss(EndToEnd):
    def setUp(self):
        state = f"{self.folder}/one/state"
        self.addCleanup(subprocess.run, ["umount", state], stderr=subprocess.DEVNULL, check=False)
        try:
            if os.getuid() != 0:
                raise NoDisk("mounting a loop device needs root")
            self.disk = Disk(f"{self.folder}/disk.img", state)
        except NoDisk as why:
            self.skipTest(str(why))

    def test_what_was_not_synced_is_gone(self):
        with open(f"{self.disk.folder}/synced", "wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        with open(f"{self.disk.folder}/synced", "ab") as file:
            file.write(b"y" * 4096)
        self.disk.cut()
        self.disk.unmount()
        self.disk.mount()
        self.assertEqual(os.path.getsize(f"{self.disk.folder}/synced"), 4096)
        with open(f"{self.disk.folder}/synced", "rb") as file:
            self.assertEqual(file.read(), b"x" * 4096)

    def test_nothing_acknowledged_is_lost_or_counted_twice(self):
        chance = random.Random(SEED)
        account = self.account()
        account.team("studio", "render", "20m", 1_000_000)
        one = Agent(f"{self.folder}/one", "one")
        self.programs.append(one)
        one.start().enroll(account, "studio", "render")
        reporters = [Reporter(one.products, chance.getrandbits(64)) for _ in range(REPORTERS)]
        for reporter in reporters:
            reporter.start()
        for _ in range(CUTS):
            time.sleep(chance.uniform(0.05, 0.6))  # when the power goes is chance: that is the test
            self.disk.cut(chance.choice((FLUSHING_THE_LOG, NOT_EVEN_THAT)))
            one.kill()
            self.disk.unmount()
            if os.path.exists(one.products + ".faults"):
                os.remove(one.products + ".faults")  # it was in memory
            self.disk.mount()
            one.restart()
            self.assertEqual(one.status()["journal"]["state"], "ok", one.status()["journal"])
        for reporter in reporters:
            reporter.enough.set()
        for reporter in reporters:
            reporter.join(30)
            self.assertFalse(reporter.is_alive(), "a reporter never got its answer")
            self.assertEqual(reporter.wrong, [])
        reported = sum(reporter.amount for reporter in reporters)
        one.cli("sync")
        usage = account.json("usage", "studio", "--from", "2020-01-01", "--to", "2100-01-01", "--by", "month")
        self.assertEqual(sum(row["usage"] for row in usage["rows"]), reported)
        self.assertEqual(one.resource("render")["remainder"], reported % 1_200_000)
        self.assertEqual(account.card("studio", "render")["charged_units"], reported // 1_200_000)
        one.cli("verify")
        self.assertTrue(account.json("audit", "studio")["ok"])
        wait_until(lambda: one.status()["pending"]["units"] == 0, "all is settled")
        one.process.stop()
        events = sum(reporter.events for reporter in reporters)
        again = sum(reporter.again for reporter in reporters)
        print(f"power loss: seed {SEED}, {CUTS} cuts, {events} events acknowledged, of which {again} were sent "
              f"again after a lost answer: 0 lost, 0 doubled", file=sys.stderr)


if __name__ == "__main__":
    main()
