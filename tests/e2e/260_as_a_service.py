"""260: as a service of the system.

Goal: what the units in packaging/ take away isn't needed, and what a service has otherwise than its user, few
files or folders of its own, is said or lived with.
"""

import contextlib
import os
import re
import resource
import socket
import subprocess
import unittest

from over_http import DEADLINE
from support import BIN, EndToEnd, main, run

PACKAGING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging")
# The groups of system calls that a unit names, as far as they hold others (systemd-analyze syscall-filter).
HELD = {"@system-service": {"@chown"}, "@privileged": {"@chown"}}
# A folder of its own in the place of that one, for it and its children alone.
OWN_FOLDER = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']


def settings_of(unit, key):
    with open(os.path.join(PACKAGING, unit), encoding="utf-8") as file:
        return re.findall(rf"^{key}=(.*)$", file.read(), re.MULTILINE)


def allowed_calls(unit):
    allowed = set()
    for words in settings_of(unit, "SystemCallFilter"):
        named = set(words.removeprefix("~").split())
        named |= {held for group in named for held in HELD.get(group, ())}
        allowed = allowed - named if words.startswith("~") else allowed | named
    return allowed


def may_mount():
    return os.path.exists("/usr/bin/unshare") and subprocess.run(
        [*OWN_FOLDER, "/mnt", "true"], capture_output=True, check=False).returncode == 0


class AsAService(EndToEnd):
    def test_the_agent_may_give_its_sockets_to_their_groups(self):
        self.assertIn("@chown", allowed_calls("meterbox.service"))

    def test_the_agent_starts_without_a_file_of_settings(self):
        """But for the groups, which this machine needn't have."""
        (command,) = settings_of("meterbox.service", "ExecStart")
        words = command.split()
        if os.path.exists("/etc/meterbox/agent.toml"):
            self.skipTest("this machine has an agent of its own")
        run(f"{BIN}/{os.path.basename(words[0])}", *words[1:], "--check-config",
            "--set", "products.group=", "--set", "admin.group=")

    def test_the_account_may_write_where_backups_go(self):
        """The folder that docs/OPERATIONS.md names, and tells to make."""
        with open(os.path.join(PACKAGING, "../docs/OPERATIONS.md"), encoding="utf-8") as file:
            folders = set(re.findall(r"backup (/\S+)/\$", file.read()))
        writable = {words.lstrip("-") for words in settings_of("meterbox-account.service", "ReadWritePaths")}
        self.assertEqual(folders, writable)

    @unittest.skipUnless(may_mount(), "needs the right to mount")
    def test_a_backup_goes_nowhere_but_where_its_caller_sees_it(self):
        hidden = os.path.join(self.folder, "tmp")
        os.mkdir(hidden)
        account = self.account([*OWN_FOLDER, hidden])
        with self.assertRaisesRegex(AssertionError, "sees another folder there"):
            account.command("backup", os.path.join(hidden, "backup.db"))
        account.command("backup", os.path.join(hidden, "backup.db"), expect=1)
        account.command("backup", os.path.join(self.folder, "backup.db"))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "backup.db")))

    def test_few_files_are_shared_out(self):
        """Of agents' connections that say nothing there are more than the account may open files."""
        files = 512
        account = self.account(["sh", "-c", f'ulimit -n {files} && exec "$0" "$@"'])
        host, port = account.listen.split(":")
        own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(own, 4 * files), most), most))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (own, most))
        with contextlib.ExitStack() as crowd:
            for _ in range(2 * files):
                crowd.enter_context(socket.create_connection((host, int(port)), DEADLINE))
            # Sooner than it gives up on whoever never ends its handshake.
            run(f"{BIN}/meterbox-account", "--store", account.store, "team", "add", "studio", seconds=DEADLINE)
            agent = self.agent()
            agent.enroll(account, "studio")

    @unittest.skipUnless(os.geteuid() == 0, "needs the right to take a group")
    def test_a_product_may_do_what_any_of_its_groups_may(self):
        group = 54321
        _, agent = self.one_agent()
        agent.process.stop()
        with open(agent.config, "a", encoding="utf-8") as file:
            file.write(f'[[products.allow]]\nresource = "render"\ngid = {group}\n')
        agent.start()

        def reports(event_id, groups):
            return subprocess.run(
                [f"{BIN}/meterbox", "--socket", agent.admin, "--products-socket", agent.products, "report",
                 "--resource", "render", "--duration", "1m", "--id", event_id],
                capture_output=True, text=True, timeout=DEADLINE, check=False, extra_groups=groups)

        refused = reports("e1", [])
        self.assertEqual((refused.returncode, "products.allow" in refused.stderr), (1, True), refused.stderr)
        taken = reports("e2", [group])
        self.assertEqual(taken.returncode, 0, taken.stderr)


main()
