"""187: a damaged journal is set aside and never repaired; the agent stays who it was and goes on.

Goal: bytes of journal.db are overwritten while the agent is down, or while it runs. It begins a new journal,
keeps the damaged one beside it, and all of those before, says on /status what is known to be missing, spends
nothing until the account has answered hello, and keeps its identity. Which resources there are it can't know
before that, and says so, rather than that there are none.
"""

import os

from over_http import request, wait_until
from support import EndToEnd, main


class DamagedJournal(EndToEnd):
    def damage(self, one, at=0, count=64 * 1024):
        path = f"{one.folder}/state/journal.db"
        with open(path, "r+b") as file:
            size = os.path.getsize(path)
            file.seek(at)
            file.write(os.urandom(min(count, size - at)))
        with open(path, "rb") as file:
            return file.read()

    def test_it_is_kept_beside_a_new_one_and_nothing_is_spent_before_hello(self):
        account, one = self.one_agent(unit="1s")
        self.assertEqual(one.report("render", "a", duration_ms=2500).status, 200)
        one.cli("sync")
        agent = one.status()["agent"]["id"]
        account.process.stop()
        one.process.stop()
        damaged = self.damage(one)
        one.restart()

        status = one.status()
        self.assertEqual(status["agent"]["id"], agent, "identity survives")
        self.assertEqual(status["journal"]["state"], "suspect", status["journal"])
        self.assertEqual(status["journal"]["set_aside"], ["journal.db.damaged-1"])
        self.assertIn("render: 2500 metered, 2 units used", status["journal"]["damage"])
        self.assertIn("meterbox_journals_set_aside 1", request(one.admin, "GET", "/metrics").body.decode())
        with open(f"{one.folder}/state/journal.db.damaged-1", "rb") as file:
            self.assertEqual(file.read(), damaged, "as it was found")
        one.process.kill()
        one.restart()
        self.assertEqual(one.status()["journal"]["state"], "suspect", "until hello is answered")

    def refused_for_now(self, one):
        for answer in (one.report("render", "b", duration_ms=700), one.session("render"),
                       one.get("/v1/resources/render")):
            self.assertEqual((answer.status, answer.error), (503, "unreachable"), answer)
            self.assertIn("Retry-After", answer.headers)
            self.assertIn("no resource is known here before the account has answered: ", answer.json["detail"])

    def test_no_resource_is_called_unknown_before_the_account_was_heard(self):
        account, one = self.one_agent(unit="1s")
        account.process.stop()
        one.process.stop()
        self.damage(one)
        one.restart()
        self.refused_for_now(one)
        account.start()
        wait_until(lambda: one.report("render", "b", duration_ms=700).status == 200, "the account has answered")
        unknown = one.report("rendr", "c", duration_ms=700)
        self.assertEqual((unknown.status, unknown.error), (422, "invalid"), "now it can be known")
        self.assertEqual(one.get("/v1/resources/rendr").status, 404)

        one.process.stop()
        self.damage(one)
        one.restart()  # fenced a second time
        wait_until(lambda: one.status()["enrollment"]["state"] == "fenced", "an operator is waited for")
        agent = one.status()["agent"]["id"]
        self.refused_for_now(one)
        self.assertIn(f"agent allow {agent}", one.session("render").json["detail"])
        account.command("agent", "allow", agent)
        wait_until(lambda: one.report("render", "d", duration_ms=700).status == 200, "it was let go on")

    def test_of_many_none_is_deleted(self):
        one = self.agent()
        for number in (1, 2, 3):
            one.process.stop()
            self.damage(one, count=100)
            one.restart()
            kept = [f"journal.db.damaged-{n}" for n in range(1, number + 1)]
            self.assertEqual(one.status()["journal"]["set_aside"], kept)

    def test_a_file_that_is_no_database_at_all_is_set_aside_too(self):
        one = self.agent()
        one.process.stop()
        with open(f"{one.folder}/state/journal.db", "wb") as file:
            file.write(b"no database\n" * 1000)
        one.restart()
        self.assertEqual(one.status()["journal"]["set_aside"], ["journal.db.damaged-1"])

    def test_what_is_damaged_while_it_runs_is_set_aside_when_it_is_met(self):
        _, one = self.one_agent(unit="1s")
        for number in range(300):  # more pages than SQLite keeps in memory are not needed: see restart
            one.report("render", f"r{number}", duration_ms=1, subject="s" * 60)
        pid = one.process.pid
        one.process.stop()
        self.damage(one, at=3 * 4096, count=1 << 30)
        one.restart()
        pid = one.process.pid
        number = 0

        def met():
            nonlocal number
            number += 1
            try:
                one.report("render", f"again {number}", duration_ms=1)
                return one.healthy() and one.status()["journal"]["set_aside"]
            except (OSError, EOFError):
                return None

        wait_until(met, "the damage is met, at the start or later")
        self.assertEqual(one.process.pid, pid)
        self.assertTrue(one.process.alive(), "it goes on in its own place")


main()
