"""120: the account, seen from its own sockets: agents over TLS, admins, the operator's commands.

Goal: an agent is who its certificate says, and nobody else is heard; what no honest agent sends is
refused and shown; admins read with a token; commands work with and without the service; a killed
account has every answered sync, once.
"""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import threading

from over_http import wait_until
from raw_agent import Peer, RawAgent, openssl
from support import BIN, Account, EndToEnd, Process, main, run

class TheAccount(EndToEnd):
    def tearDown(self):
        while Peer.all:
            Peer.all.pop().connection.close()

    def set_up(self, amount=10):
        account = self.account()
        account.team("studio", "render", "1s", amount)
        return account

    def name_of(self, reply):
        return reply[0], reply[1]["type"].rsplit(":", 1)[-1]

    def test_only_enrollment_works_without_a_certificate(self):
        account = self.set_up()
        stranger = Peer(account)
        for path in ("/v1/hello", "/v1/sync", "/v1/renew", "/v1/retire"):
            self.assertEqual(self.name_of(stranger.post(path, {})), (401, "unauthenticated"), path)
        self.assertEqual(self.name_of(stranger.post("/v1/enroll", {"token": "x"})), (400, "malformed"))
        self.assertEqual(self.name_of(stranger.post("/v1/nothing", {})), (404, "not-found"))
        self.assertEqual(self.name_of(stranger.ask("GET", "/v1/enroll")), (405, "method-not-allowed"))

    def test_a_certificate_that_is_not_the_accounts_is_refused(self):
        account = self.set_up()
        agent = RawAgent(account, "studio", self.folder)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                "-subj", f"/CN={agent.id}/O=studio", "-keyout", f"{self.folder}/f.key", "-out", f"{self.folder}/f.crt")
        forged = Peer(account, f"{self.folder}/f.crt", f"{self.folder}/f.key")
        self.assertEqual(self.name_of(forged.post("/v1/hello", agent.hello_body())), (403, "forbidden"))
        # The server's own certificate is the CA's, but no agent's.
        server = Peer(account, f"{account.store}/server.crt", f"{account.store}/server.key")
        self.assertEqual(self.name_of(server.post("/v1/hello", agent.hello_body())), (403, "forbidden"))

    def test_a_token_enrolls_one_key_and_answers_it_again(self):
        account = self.set_up()
        agent = RawAgent(account, "studio", self.folder)
        status, again = agent.enroll()
        self.assertEqual((status, again["agent"]), (200, agent.id))
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", f"{self.folder}/other.key")
        other = RawAgent.new_request(f"{self.folder}/other.key", self.folder)
        self.assertEqual(self.name_of(agent.enroll(request=other)), (403, "forbidden"))
        self.assertEqual(self.name_of(agent.enroll(token="mbt1.x.y")), (403, "forbidden"))
        self.assertEqual(self.name_of(agent.enroll(name="a\u001b[2Jb")), (422, "invalid"))
        self.assertEqual(len(account.json("agent", "list", "studio")["agents"]), 1)

    def test_an_agent_speaks_for_itself_alone_and_within_its_session(self):
        account = self.set_up()
        agent = RawAgent(account, "studio", self.folder)
        self.assertEqual(self.name_of(agent.peer.post("/v1/hello", agent.hello_body(agent="a-other"))),
                         (403, "forbidden"))
        agent.session = "unknown"
        self.assertEqual(self.name_of(agent.sync([])), (404, "not-found"))
        agent.hello()
        self.assertEqual(agent.sync([])[0], 200)
        for path in ("/v1/renew", "/v1/retire"):
            self.assertEqual(self.name_of(agent.peer.post(path, {})), (400, "malformed"), path)
        self.assertEqual(self.name_of(agent.peer.post("/v1/sync", '{"session": 1}')), (400, "malformed"))

    def test_a_falling_counter_is_refused_and_shown(self):
        account = self.set_up()
        agent = RawAgent(account, "studio", self.folder)
        agent.hello()
        self.assertEqual(agent.sync([agent.counters(need=4)])[0], 200)
        self.assertEqual(agent.sync([agent.counters(3000, 3)])[0], 200)
        self.assertEqual(self.name_of(agent.sync([agent.counters(2000, 2)])), (409, "conflict"))
        self.assertEqual(agent.sync([agent.counters(2000, 2)], number=1)[0], 200)  # old, and harmless
        self.assertEqual(self.name_of(agent.sync([agent.counters(9000, 9)], number=9)), (409, "conflict"))
        audit = account.json("audit", "studio")
        self.assertTrue(audit["ok"])
        self.assertEqual(len(audit["findings"]), 2)
        self.assertTrue(account.json("agent", "list", "studio")["agents"][0]["refused_syncs"])
        self.assertEqual(account.card("studio", "render")["charged_units"], 3)

    def test_admins_read_with_a_token(self):
        account = self.set_up()
        admin = Peer(account, port=account.admin_listen)
        self.assertEqual(admin.ask("GET", "/healthz")[0], 200)
        self.assertEqual(admin.ask("GET", "/readyz")[0], 200)
        cards = "/v1/teams/studio/cards"
        with open(f"{account.store}/admin.token", encoding="utf-8") as file:
            all_teams = file.read().strip()
        self.assertEqual(os.stat(f"{account.store}/admin.token").st_mode & 0o777, 0o600)
        account.command("team", "add", "other")
        mine = account.command("admin", "token", "--team", "studio")
        theirs = account.command("admin", "token", "--team", "other")

        def get(path, token):
            return admin.ask("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})

        self.assertEqual(self.name_of(get(cards, None)), (401, "unauthenticated"))
        self.assertEqual(self.name_of(get(cards, "x")), (401, "unauthenticated"))
        self.assertEqual(self.name_of(get(cards, theirs)), (403, "forbidden"))
        for token in (all_teams, mine):
            status, balance = get(cards, token)
            self.assertEqual(status, 200)
            self.assertEqual(balance["cards"][0]["available_units"], 10)
            self.assertEqual(get("/v1/teams/studio/usage?by=hour", token)[1]["rows"], [])
            status, agents = get("/v1/teams/studio/agents", token)
            self.assertEqual((status, agents["agents"]), (200, []))
            self.assertIn("as_of", agents)
        self.assertEqual(self.name_of(get("/v1/teams/studio/usage?by=week", mine)), (422, "invalid"))
        for query in ("usage?frm=2026-01-01", "usage?by=day&by=hour", "usage?agent=", "cards?by=day", "agents?x"):
            self.assertEqual(self.name_of(get(f"/v1/teams/studio/{query}", mine)), (422, "invalid"), query)
        self.assertEqual(self.name_of(get("/v1/teams?team=studio", mine)), (422, "invalid"))
        self.assertEqual(self.name_of(get("/v1/teams/nobody/cards", all_teams)), (404, "not-found"))
        invoices = get("/v1/teams/studio/invoices", mine)[1]["invoices"]
        self.assertEqual([(i["status"], i["total"], i["lines"]) for i in invoices], [("open", 0, [])])
        self.assertEqual(self.name_of(get("/v1/teams/studio/invoices", theirs)), (403, "forbidden"))
        self.assertEqual(self.name_of(admin.ask("POST", cards)), (405, "method-not-allowed"))
        json_type = {"Content-Type": "application/json"}
        self.assertEqual(admin.ask("POST", "/v1/sign-in", {"token": mine}, json_type)[1]["team"], "studio")
        self.assertEqual([t["team"] for t in get("/v1/teams", mine)[1]["teams"]], ["studio"])

    def test_commands_work_with_and_without_the_service(self):
        account = self.set_up()
        self.assertEqual(os.stat(f"{account.store}/account.sock").st_mode & 0o777, 0o600)
        self.assertIn("there already", self.refusal(account, 1, "team", "add", "studio"))
        second = subprocess.run([f"{BIN}/meterbox-account", "--store", account.store, "serve", "--listen",
                                 "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
                                capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(second.returncode, 3, second.stderr)
        self.assertEqual(account.process.stop(), 0)
        account.command("team", "add", "later")
        self.assertIn("there already", self.refusal(account, 1, "team", "add", "later"))
        ca = account.command("ca")
        account.start()
        self.assertEqual(account.command("ca"), ca)
        self.assertEqual({team["team"] for team in account.json("team", "list")["teams"]}, {"studio", "later"})

    def refusal(self, account, code, *argv):
        done = subprocess.run([f"{BIN}/meterbox-account", "--store", account.store, *argv],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_a_command_at_the_first_start_waits_until_the_service_takes_it(self):
        for number in range(5):
            store = f"{self.folder}/new{number}"
            service = Process([f"{BIN}/meterbox-account", "--store", store, "serve", "--listen", "127.0.0.1:0",
                               "--admin-listen", "127.0.0.1:0"], f"{store}.log")
            try:
                wait_until(lambda s=store: os.path.exists(f"{s}/account.db"), "it has opened its store")
                run(f"{BIN}/meterbox-account", "--store", store, "team", "add", "studio")
                self.assertIn("studio", run(f"{BIN}/meterbox-account", "--store", store, "team", "list"))
            finally:
                service.kill()

    def test_what_is_wrong_with_a_command_is_said(self):
        account = Account(f"{self.folder}/none")
        for argv, said in ((["nope"], "unknown command nope"), ([], "a command is missing"),
                           (["--json"], "a command is missing"), (["--frob=x"], "unknown option --frob")):
            self.assertIn(said, self.refusal(account, 2, *argv))
        unit = ["resource", "add", "r", "--kind", "exhaustible", "--measure", "count", "--unit"]
        self.assertIn("from 1 to 1099511627776", self.refusal(account, 2, *unit, "1099511627777"))
        account.command(*unit, "1099511627776")

    def test_what_keeps_it_from_starting_is_said_in_one_line(self):
        account = self.set_up()
        other = Account(f"{self.folder}/other")
        serve = ("serve", "--admin-listen", "127.0.0.1:0", "--listen")
        self.assertIn(account.listen.split(":")[1], self.refusal(other, 1, *serve, account.listen))
        self.assertIn("--listen", self.refusal(other, 2, *serve, "nowhere"))
        with open(f"{self.folder}/file", "w", encoding="utf-8"):
            pass
        self.assertIn("file", self.refusal(Account(f"{self.folder}/file"), 1, "team", "list"))

    def test_it_goes_on_when_nobody_reads_its_log_any_more(self):
        account = self.set_up()
        self.assertEqual(account.process.stop(), 0)
        serve = subprocess.Popen(
            [f"{BIN}/meterbox-account", "--store", account.store, "serve", "--listen", account.listen,
             "--admin-listen", account.admin_listen], stderr=subprocess.PIPE, text=True)
        try:
            while "account.listening" not in serve.stderr.readline():
                self.assertIsNone(serve.poll())
            serve.stderr.close()
            host, port = account.listen.split(":")
            with socket.create_connection((host, int(port))) as stranger, contextlib.suppress(ConnectionError):
                stranger.sendall(b"no TLS at all\r\n\r\n")
                while stranger.recv(1024):  # until it is closed: that it failed is logged before
                    pass
            self.assertIn("studio", account.command("team", "list"))
            self.assertIsNone(serve.poll())
        finally:
            serve.terminate()
            serve.wait()

    def test_a_killed_account_has_every_answered_sync_once(self):
        account = self.set_up(amount=100000)
        agent = RawAgent(account, "studio", self.folder)
        agent.hello()
        self.assertEqual(agent.sync([agent.counters(need=50000)])[0], 200)
        used = answered = 0
        for _ in range(5):
            killer = threading.Timer(0.3, account.process.kill)
            killer.start()
            try:
                while True:
                    used += 1
                    status, reply = agent.sync([agent.counters(used * 1000, used)])
                    self.assertEqual(status, 200, reply)
                    answered = used
            except (OSError, http.client.HTTPException):
                killer.join()
            account.start()
            agent.peer = Peer(account, agent.certificate, agent.key)
            # Its session ended with that process: the store could have been put back meanwhile.
            self.assertEqual(self.name_of(agent.sync([])), (404, "not-found"))
            agent.hello()
            charged = account.card("studio", "render")["charged_units"]
            self.assertIn(charged, range(answered, used + 1))
            self.assertTrue(account.json("audit", "studio")["ok"])
        status, reply = agent.sync([agent.counters(used * 1000, used)])
        self.assertEqual(status, 200, reply)
        self.assertEqual(account.card("studio", "render")["charged_units"], used)
        self.assertGreater(used, 5)


if __name__ == "__main__":
    main()
