"""185: the account's settings come from a file, the environment and --set, and a wrong one is refused by its line.

Goal: what holds is what was set; a file that is broken keeps the account from starting, with exit 2 and one line
that names file, line and key, and leaves one that runs alone.
"""

import os
import signal
import subprocess

from over_http import wait_until
from support import BIN, Account, EndToEnd, main


class Settings(EndToEnd):
    def refusal(self, *argv, text=None, environment=None):
        path = f"{self.folder}/account.toml"
        words = list(argv)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            words = ["--config", path, *argv]
        done = subprocess.run([f"{BIN}/meterbox-account", "--store", f"{self.folder}/s", *words], timeout=30,
                              capture_output=True, text=True, env={**os.environ, **(environment or {})}, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_a_wrong_setting_is_refused_with_its_place(self):
        for command in (["serve"], ["serve", "--check-config"], ["team", "list"]):
            said = self.refusal(*command, text='[leases]\n\nidle = "never"\n')
            self.assertIn("account.toml:3: leases.idle: ", said)
        self.assertIn("account.toml:1: leese: unknown section", self.refusal("serve", text="[leese]\n"))
        self.assertIn("account.toml:2:", self.refusal("serve", text="[leases]\nidle = \n"))
        self.assertIn("/none/a.toml: can't be read", self.refusal("serve", "--config", "/none/a.toml"))
        self.assertIn("--set: cards.low: unknown key", self.refusal("--set", "cards.low=1", "serve"))
        wrong = {"METERBOX_CARDS_LOW_PERCENT": "101"}
        self.assertIn("METERBOX_CARDS_LOW_PERCENT: cards.low_percent: ", self.refusal("serve", environment=wrong))
        self.assertFalse(os.path.exists(f"{self.folder}/s"), "nothing is made where the settings are wrong")

    def test_what_is_set_holds(self):
        account = Account(f"{self.folder}/s")
        account.team("studio", "render", "1s", 10)
        agent = account.json("--set", "cards.low_percent=100", "balance", "studio")["cards"][0]
        self.assertEqual(agent["state"], "low")
        self.assertEqual(account.card("studio", "render")["state"], "ok")
        self.assertEqual(account.command("serve", "--check-config"), "")

    def test_a_name_may_be_an_ipv6_address_with_its_brackets_or_without(self):
        account = Account(f"{self.folder}/s")
        self.programs.append(account)
        account.extra = ["--set", 'serve.names=["[::1]", "2001:DB8::1"]']
        account.start()
        self.assertEqual(account.process.stop(), 0)

    def test_a_setting_for_one_command_is_refused_while_another_process_serves(self):
        account = self.account()
        account.command("team", "add", "studio")
        done = subprocess.run([f"{BIN}/meterbox-account", "--store", account.store, "--set", "cards.low_percent=100",
                               "balance", "studio"], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("--set: this store is served by", done.stderr)

    def test_a_message_is_one_line_of_text_whatever_was_in_the_arguments(self):
        for argv in ([f"{BIN}/meterbox-account", "--store", f"{self.folder}/s", "team", "show", b"a\nb\x1b[31m\xff"],
                     [f"{BIN}/meterbox-account", "--store", f"{self.folder}/s", "team", "show", "a\nb\x1b[31m"],
                     [f"{BIN}/meterboxd", "--set", b"a\nb\x1b[31m\xff=1"], [f"{BIN}/meterboxd", b"a\nb\x1b\xff"],
                     [f"{BIN}/meterbox", b"a\nb\x1b[31m\xff"]):
            done = subprocess.run(argv, capture_output=True, timeout=30, check=False)
            self.assertIn(done.returncode, (1, 2), argv)
            said = done.stderr.decode("utf-8")
            self.assertEqual(said.count("\n"), 1, said)
            self.assertTrue(said.rstrip("\n").isprintable(), said)

    def test_a_hangup_reads_the_log_s_settings_again_and_a_broken_file_changes_nothing(self):
        account = self.account()

        def hang_up(text):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            account.process.signal(signal.SIGHUP)

        def logged(text):
            with open(account.process.log, encoding="utf-8") as file:
                return text in file.read()

        path = f"{self.folder}/running.toml"
        account.process.stop()
        with open(path, "w", encoding="utf-8") as file:
            file.write('[log]\nlevel = "warn"\n')
        account.extra = ["--config", path]
        account.start()
        hang_up('[log]\nlevel = "nonsense"\n')
        wait_until(lambda: logged("log.level"), "the broken file is complained about")
        self.assertTrue(account.process.alive())
        hang_up('[log]\nlevel = "info"\n')
        wait_until(lambda: logged("config.reloaded"), "the file is read again")
        self.assertEqual(account.process.stop(), 0)


main()
