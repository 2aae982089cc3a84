"""cli_commands: what meterbox asks the daemon, how it shows the answer, and with which code it ends.

Goal: 0 done, 1 failed, 2 wrong usage, 3 out of reach, 4 exhausted; one line on stderr for each failure; a
token is told to the daemon and to nobody else.
"""

import json
import os
import re
import unittest

from fake_daemon import NOTHING, CommandLine

TOKEN = "mbt1.c2VjcmV0.c2VjcmV0"
TAKEN = {"accepted": 1, "duplicates": 0, "resources": {
    "render": {"state": "ok", "available_units": 9, "remainder": 600_000, "as_of": "2026-11-23T19:24:00Z"}}}


def problem(name, detail):
    return {"type": f"urn:meterbox:error:{name}", "title": name, "detail": detail}


class Commands(CommandLine):
    def test_help_and_version_go_to_stdout(self):
        for argv in (["--help"], ["run", "--help"], ["enroll", "--help"], ["--version"]):
            done = self.cli(*argv)
            self.assertEqual(done.stderr, "")
            self.assertIn("meterbox", done.stdout)
        self.assertRegex(self.cli("--version").stdout, r"^meterbox \d+\.\d+\.\d+\n$")

    def test_wrong_usage(self):
        for argv in ([], ["stauts"], ["--sokcet", "x", "status"], ["status", "--frob"], ["status", "more"],
                     ["enroll"], ["enroll", "https://a"], ["enroll", "http://a", "--token", TOKEN],
                     ["enroll", "https://a", "--token", ""], ["enroll", "https://a", "--token", TOKEN, "--ca", "/no"],
                     ["enroll", "https://a", "--token", TOKEN, "--ca", "/dev/null"],
                     ["enroll", "https://a", "--token", TOKEN, "--ca", self.folder],
                     ["report", "--resource", "render"], ["report", "--duration", "1m"],
                     ["report", "--resource", "r", "--duration", "1m", "--quantity", "1"],
                     ["report", "--resource", "r", "--duration", "soon"],
                     ["report", "--resource", "r", "--quantity", "-1"],
                     ["report", "--resource", "r", "--quantity", "1.5"],
                     ["report", "--resource", "r", "--quantity", "0x10"],
                     ["report", "--resource", "r", "--quantity", "1'000"],
                     ["report", "--resource", "r", "--quantity", " 1"],
                     ["report", "--resource", "r", "--quantity", ""],
                     ["report", "--resource", "r", "--quantity", "9007199254740992"],
                     ["report", "--resource", "r", "--quantity", "1", "--time", "yesterday"],
                     ["report", "--resource", "r", "--quantity", "1", "--id", ""],
                     ["report", "--resource", "r", "--quantity", "1", "--time", ""],
                     ["report", "--resource", "r", "--quantity", "1", "--subject", ""],
                     ["report", "--resource", "r", "--quantity", "1", "--", "--id", "7"],
                     ["status", "--", "more"], ["run", "--resource", "r", "--subject", "", "--", "true"],
                     ["report", "--resource", "r", "--quantity", "1", "--subject=", "job"],
                     ["report", "--resource", "r", "--quantity", "1", "--id", "i" * 1025]):
            with self.subTest(argv=argv):
                self.failed(*argv, expect=2)
        self.assertEqual(self.admin.heard + self.daemon.heard, [])

    def test_the_word_that_is_wrong_is_named_whatever_stands_before_it(self):
        for argv, said in ((["nope"], "unknown command nope"), (["--json", "nope"], "unknown command nope"),
                           (["--json"], "a command is missing"), ([], "a command is missing"),
                           (["--frob=x"], "unknown option --frob"),
                           (["status", "--frob"], "status: unknown option --frob")):
            with self.subTest(argv=argv):  # each of them after --socket PATH
                self.assertIn(f"meterbox: {said}; see", self.failed(*argv, expect=2))

    def test_commands_of_later_versions_say_so(self):
        for name in ("watch", "usage", "open", "export", "doctor"):
            self.assertEqual(self.failed(name, expect=2), f"meterbox: {name}: not available in this version\n")
            self.failed(name, "--from", "x", "y", expect=2)

    def test_no_daemon(self):
        self.daemon.stop()
        self.admin.stop()
        for argv in (["status"], ["sync"], ["resources"], ["sessions"],
                     ["enroll", "https://a", "--token", TOKEN], ["report", "--resource", "r", "--quantity", "1"]):
            told = self.failed(*argv, expect=3)
            self.assertIn(".sock", told)

    def test_sockets_by_environment(self):
        self.admin.answers["GET", "/status"] = (200, {"cards": []})
        env = {"METERBOX_ADMIN_SOCKET": self.admin.path, "METERBOX_PRODUCTS_SOCKET": self.daemon.path}
        self.argv = lambda *argv: [super(Commands, self).argv()[0], *argv]
        self.cli("status", env=env)
        self.assertEqual(len(self.admin.heard), 1)

    def test_status(self):
        card = {"resource": "render", "name": "Rendering", "state": "low", "available_units": 30,
                "purchased_units": 150, "used_percent": 80, "as_of": "2026-11-23T19:24:00Z"}
        self.admin.answers["GET", "/status"] = (200, {"agent": {"name": "one", "team": "studio"}, "cards": [card],
                                                      "clock": {"trusted_now": "2026-11-23T19:24:30Z"}})
        shown = self.cli("status").stdout
        self.assertIn("render (Rendering): 30 of 150 available, 80 % used, low", shown)
        self.assertIn("as of 30s ago", shown)
        self.assertNotIn("\x1b", shown)
        self.assertEqual(json.loads(self.cli("status", "--json").stdout)["cards"], [card])
        self.assertEqual(json.loads(self.cli("--json", "status").stdout)["cards"], [card])

    def test_tables(self):
        self.daemon.answers["GET", "/v1/resources"] = (200, {"resources": [
            {"key": "render", "name": "Rendering", "measure": "duration", "unit_size": 1_200_000, "state": "ok",
             "available": 11_400_000, "available_units": 10, "remainder": 600_000, "as_of": "2026-11-23T19:24:00Z"}]})
        self.daemon.answers["GET", "/v1/sessions"] = (200, {"sessions": []})
        self.assertRegex(self.cli("resources").stdout, r"\nrender +Rendering +ok +3h10m +10 +20m +10m +")
        self.assertEqual(self.cli("sessions").stdout, "No sessions are running.\n")
        self.assertEqual(json.loads(self.cli("sessions", "--json").stdout), {"sessions": []})

    def test_sync(self):
        self.admin.answers["POST", "/v1/sync"] = (200, {"ok": True})
        self.assertEqual(self.cli("sync").stdout, "synced\n")
        self.admin.answers["POST", "/v1/sync"] = (503, problem("unreachable", "https://a doesn't answer"))
        self.assertEqual(self.failed("sync", expect=3), "meterbox: https://a doesn't answer\n")
        self.admin.answers["POST", "/v1/sync"] = (503, problem("not-enrolled", "this machine is not enrolled"))
        self.failed("sync", expect=1)
        self.admin.answers["POST", "/v1/sync"] = (200, "<html>")
        self.failed("sync", expect=1)

    def test_enroll(self):
        self.admin.answers["POST", "/v1/enroll"] = (200, {"agent": "a1", "team": "studio"})
        pem = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
        with open(self.file("ca.crt"), "w", encoding="utf-8") as file:
            file.write(pem)
        self.assertEqual(self.cli("enroll", "https://a:1", "--token", TOKEN).stdout, "enrolled as a1 in team studio\n")
        self.cli("enroll", "https://a:1", "--token", "-", "--ca", self.file("ca.crt"), text=f"{TOKEN}\n")
        by_argument, by_stdin = self.admin.bodies("POST", "/v1/enroll")
        self.assertEqual(by_argument, {"url": "https://a:1", "token": TOKEN})
        self.assertEqual(by_stdin, {"url": "https://a:1", "token": TOKEN, "ca": pem})
        self.failed("enroll", "https://a:1", "--token", "-", text="", expect=2)

    def test_a_token_is_in_no_message(self):
        self.admin.answers["POST", "/v1/enroll"] = (401, problem("unauthenticated", "the token is not known"))
        for argv, code in ((["--token", TOKEN], 1), (["--tokne", TOKEN], 2), ([f"--tokne={TOKEN}"], 2),
                           ([TOKEN, "--token", TOKEN], 2), (["--token", TOKEN, "--ca", "/no"], 2)):
            told = self.failed("enroll", "https://a:1", *argv, expect=code)
            self.assertNotIn("c2VjcmV0", told)

    def test_report(self):
        self.daemon.answers["POST", "/v1/events"] = (200, TAKEN)
        self.assertEqual(self.cli("report", "--resource", "render", "--duration", "12m30s").stdout,
                         "render: taken, 9 units available, as of 2026-11-23T19:24:00Z\n")
        self.cli("report", "--resource", "api", "--quantity", "0", "--id", "7", "--subject", "job",
                 "--time", "2026-11-23T19:00:00+01:00")
        self.cli("report", "--resource", "render", "--duration", "PT1.5S")
        self.cli("report", "--resource", "api", "--quantity", "010")
        new, named, iso, padded = self.daemon.bodies("POST", "/v1/events")
        self.assertRegex(new.pop("id"), r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(new, {"specversion": "1.0", "source": "/meterbox/cli", "type": "render",
                               "data": {"duration_ms": 750_000}})
        self.assertEqual(named, {"specversion": "1.0", "source": "/meterbox/cli", "type": "api", "id": "7",
                                 "time": "2026-11-23T19:00:00+01:00", "subject": "job", "data": {"quantity": 0}})
        self.assertEqual(iso["data"], {"duration_ms": 1_500})
        self.assertEqual(padded["data"], {"quantity": 10})

    def test_a_report_without_an_answer_is_repeated_and_counts_once(self):
        answers = iter([(0, NOTHING), (200, TAKEN)])
        self.daemon.on["POST", "/v1/events"] = lambda: next(answers)
        self.cli("report", "--resource", "render", "--duration", "1m")
        first, second = self.daemon.bodies("POST", "/v1/events")
        self.assertEqual(first, second)

    def test_a_report_that_may_have_been_taken_names_its_id(self):
        self.daemon.answers["POST", "/v1/events"] = (0, NOTHING)
        told = self.failed("report", "--resource", "render", "--duration", "1m", expect=3)
        first, second = self.daemon.bodies("POST", "/v1/events")
        self.assertEqual(first, second)
        self.assertIn(f"it may have been taken: repeat it with --id {first['id']}", told)
        self.daemon.stop()
        told = self.failed("report", "--resource", "render", "--duration", "1m", expect=3)
        self.assertNotIn("may have been taken", told)

    def test_usage_past_the_balance_is_taken_all_the_same(self):
        answer = json.loads(json.dumps(TAKEN))
        answer["resources"]["render"].update(state="exhausted", available_units=0)
        self.daemon.answers["POST", "/v1/events"] = (200, answer)
        self.assertIn("exhausted", self.cli("report", "--resource", "render", "--duration", "1m").stdout)

    def test_problems_of_a_report(self):
        for status, name, code in ((400, "malformed", 1), (402, "exhausted", 4), (409, "conflict", 1),
                                   (422, "invalid", 1), (503, "storage", 1), (503, "not-enrolled", 1)):
            self.daemon.answers["POST", "/v1/events"] = (status, problem(name, f"this is\n{name}\x1b[0m"))
            told = self.failed("report", "--resource", "render", "--duration", "1m", expect=code)
            self.assertIn(name, told)
            self.assertFalse(re.search("\x1b", told))

    def test_a_full_disk_behind_stdout_is_told(self):
        self.admin.answers["GET", "/status"] = (200, {"cards": []})
        self.assertEqual(os.system(f"{' '.join(self.argv('status'))} > /dev/full 2> {self.file('err')}") >> 8, 1)
        self.assertIn("stdout", self.text_of("err"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
