"""080: a wrong configuration is named with file, line and key, and the program ends with 2.

Goal: one line on stderr that says where and what, for unknown keys, wrong types, bad values, bad TOML,
a missing file and bad arguments; a good file passes --check-config with 0 and starts nothing.
"""

import os
import subprocess

from support import BIN, EndToEnd, main


class Configuration(EndToEnd):
    def check(self, text, *more):
        path = f"{self.folder}/agent.toml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        # The groups that are the default are made by the package: a machine that builds hasn't got them.
        groups = [word for key in ("products.group", "admin.group") for word in ("--set", f"{key}=")]
        return self.daemon("--config", path, "--check-config", *groups, *more)

    def daemon(self, *argv):
        return subprocess.run([f"{BIN}/meterboxd", *argv], capture_output=True, text=True, timeout=20, check=False)

    def refused(self, done, *said):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for words in said:
            self.assertIn(words, done.stderr)

    def test_a_good_file(self):
        done = self.check('[agent]\nname = "one"\n[products]\nheartbeat = "10s"\n')
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.check("").returncode, 0, "every key has a default")

    def test_a_wrong_file(self):
        for text, line, key in [
                ('[agent]\nnmae = "one"\n', 2, "nmae"),
                ("\n[prodcuts]\n", 2, "prodcuts"),
                ('[products]\n\nmax_sessions = "many"\n', 3, "max_sessions"),
                ("[products]\nheartbeat = 30\n", 2, "heartbeat"),
                ('[account]\nsync_interval = "4 parsecs"\n', 2, "sync_interval"),
                ('[account]\nsync_interval = "10ms"\n', 2, "sync_interval"),
                ('[journal]\nbudget = "-1MiB"\n', 2, "budget")]:
            self.refused(self.check(text), f"agent.toml:{line}", key)
        self.refused(self.check('[agent\nname="x"\n'), "agent.toml:1")

    def test_a_group_that_this_machine_has_not(self):
        for key in ("products.group", "admin.group"):
            self.refused(self.check("", "--set", f"{key}=no-such-group"), key, "no-such-group", "groupadd")

    def test_a_group_of_a_file_is_refused_with_its_line(self):
        path = f"{self.folder}/agent.toml"
        with open(path, "w", encoding="utf-8") as file:
            file.write('[products]\ngroup = "no-such-group"\n')
        self.refused(self.daemon("--config", path, "--check-config"), f"{path}:2", "products.group")

    def test_overrides(self):
        self.assertEqual(self.check("", "--set", "account.sync_interval=5s").returncode, 0)
        self.refused(self.check("", "--set", "account.sync_intervall=5s"), "sync_intervall")
        self.refused(self.check("", "--set", "account.sync_interval=soon"), "sync_interval")

    def test_a_missing_file(self):
        self.refused(self.daemon("--config", f"{self.folder}/none.toml"), "none.toml")

    def test_a_private_key_that_others_can_read(self):
        _, agent = self.one_agent()
        self.assertEqual(agent.process.stop(), 0)
        keys = [os.path.join(folder, name) for folder, _, names in os.walk(f"{agent.folder}/state")
                for name in names if name.endswith((".key", "key.pem"))]
        self.assertTrue(keys, "the agent's key is a file of its own")
        for key in keys:
            self.assertEqual(os.stat(key).st_mode & 0o077, 0, f"{key} is the owner's alone")
            os.chmod(key, 0o644)
        for check in ([], ["--check-config"]):
            self.refused(self.daemon("--config", agent.config, *check), f"{agent.config}:", "agent.state_dir", keys[0])

    def test_files_that_the_settings_name_and_nobody_can_use(self):
        _, agent = self.one_agent()
        self.assertEqual(agent.process.stop(), 0)
        for content in (None, "not a certificate\n"):
            if content:
                with open(f"{self.folder}/ca.crt", "w", encoding="utf-8") as file:
                    file.write(content)
            self.refused(self.daemon("--config", agent.config, "--set", f"account.ca_file={self.folder}/ca.crt"),
                         "account.ca_file")
        with open(agent.config, encoding="utf-8") as file:
            lines = file.read().splitlines()
        line = lines.index("[account]") + 2
        lines.insert(line - 1, f'ca_file = "{self.folder}/ca.crt"')
        with open(agent.config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        for check in ([], ["--check-config"]):
            self.refused(self.daemon("--config", agent.config, *check), f"{agent.config}:{line}: account.ca_file",
                         f"{self.folder}/ca.crt")
        self.refused(self.daemon("--config", agent.config, "--set", f"admin.token_file={self.folder}"),
                     "admin.token_file", self.folder)

    def test_a_token_that_others_can_read(self):
        token = f"{self.folder}/token"
        with open(token, "w", encoding="utf-8") as file:
            file.write("x" * 32)
        os.chmod(token, 0o644)
        for text, place in ((f'[admin]\ntoken_file = "{token}"\n', "agent.toml:2: admin.token_file: "),
                            (f'[agent]\nstate_dir = "{self.folder}"\n', "admin.token_file: ")):
            self.refused(self.check(text), place, token, "chmod 600")
            os.rename(token, f"{self.folder}/admin.token")
            token = f"{self.folder}/admin.token"
        os.chmod(token, 0o600)
        self.assertEqual(self.check(text).returncode, 0)
        os.remove(token)
        self.assertEqual(self.check(text).returncode, 0)
        self.assertFalse(os.path.exists(token), "it is made by a start")

    def test_without_options_the_command_line_asks_at_the_usual_place(self):
        usual = "/run/meterbox/admin.sock"
        if os.path.exists(usual):
            self.skipTest("a daemon runs on this machine")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("METERBOX_")}
        done = subprocess.run([f"{BIN}/meterbox", "status"], capture_output=True, text=True, timeout=20,
                              env=environment, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(usual, done.stderr)

    def test_wrong_arguments(self):
        for program in ("meterboxd", "meterbox", "meterbox-account"):
            for argv, code in ((["--help"], 0), (["--version"], 0), (["--no-such-option"], 2)):
                done = subprocess.run([f"{BIN}/{program}", *argv], capture_output=True, text=True, timeout=20,
                                      check=False)
                self.assertEqual(done.returncode, code, (program, argv, done.stdout, done.stderr))


main()
