"""150: an agent's certificate through its life, with the built programs.

Goal: a certificate is renewed before its end and after it, without a restart and without a break; one in
trouble stops sync and nothing else, and the status says what it is and what cures it.
"""

import contextlib
import datetime
import json
import os
import sqlite3
import subprocess

from over_http import request, wait_until
from support import BIN, Account, EndToEnd, main

DAY = datetime.timedelta(days=1)


def openssl(*argv):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True).stdout


class Certificates(EndToEnd):
    def state(self, agent, name):
        return f"{agent.folder}/state/{name}"

    def certificate(self, agent):
        with open(self.state(agent, "agent.crt"), encoding="utf-8") as file:
            return file.read()

    def give_life(self, account, agent, begins, ends):
        """Another certificate for the agent's key, as the account would have issued it in those days."""
        now = datetime.datetime.now(datetime.timezone.utc)
        folder = f"{self.folder}/ca"
        os.makedirs(folder, exist_ok=True)
        for name, text in (("index", ""), ("serial", "4242424242\n"), ("conf", f"""
[ca]
default_ca = here
[here]
dir = {folder}
new_certs_dir = {folder}
database = {folder}/index
serial = {folder}/serial
certificate = {account.store}/ca.crt
private_key = {account.store}/ca.key
default_md = sha256
policy = any
x509_extensions = client
unique_subject = no
[any]
commonName = supplied
organizationName = supplied
[client]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = clientAuth
""")):
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        known = agent_id(account)
        openssl("req", "-new", "-key", self.state(agent, "agent.key"), "-subj", f"/CN={known}/O=studio",
                "-out", f"{folder}/csr")
        openssl("ca", "-batch", "-notext", "-config", f"{folder}/conf", "-in", f"{folder}/csr",
                "-out", f"{folder}/crt", "-startdate", (now + begins).strftime("%Y%m%d%H%M%SZ"),
                "-enddate", (now + ends).strftime("%Y%m%d%H%M%SZ"))
        fingerprint = openssl("x509", "-in", f"{folder}/crt", "-noout", "-fingerprint", "-sha256")
        with open(f"{folder}/crt", encoding="utf-8") as file:
            pem = file.read()
        chain = pem + account.command("ca") + "\n"
        in_store(account, "UPDATE agent SET certificate_fingerprint = ?, certificate = ?, certificate_expires_at = ?",
                 fingerprint.split("=")[1].strip().replace(":", "").lower(), pem, int((now + ends).timestamp()) * 1000)
        with open(self.state(agent, "agent.crt"), "w", encoding="utf-8") as file:
            file.write(chain)
        return chain

    def synced(self, agent):
        return wait_until(lambda: agent.status()["account"]["reachable"] and agent.status(), "a sync succeeds")

    def troubled(self, agent):
        return wait_until(lambda: agent.status()["account"]["last_error"] and agent.status(), "the trouble is told")

    def stop_both(self, account, agent):
        agent.process.stop()
        account.process.stop()

    def check_metering_goes_on(self, agent, event):
        def left():
            resource = agent.resource("render")
            return resource["available_units"] - resource["overage_units"]

        before = left()
        self.assertEqual(agent.report("render", event, duration_ms=1000).status, 200)
        self.assertEqual(left(), before - 1)

    def test_a_certificate_is_renewed_before_its_end_and_after_it(self):
        account, agent = self.one_agent(unit="1s")
        for begins, ends in ((-65 * DAY, 25 * DAY), (-100 * DAY, -10 * DAY)):
            self.stop_both(account, agent)
            old = self.give_life(account, agent, begins, ends)
            account.start()
            agent.start()
            wait_until(lambda: self.certificate(agent) != old, "the certificate is another")
            status = self.synced(agent)
            self.assertEqual(status["enrollment"]["state"], "enrolled")
            expires = status["enrollment"]["certificate_expires_at"].replace("Z", "+00:00")
            later = datetime.datetime.now(datetime.timezone.utc) + 89 * DAY
            self.assertGreater(datetime.datetime.fromisoformat(expires), later)
            self.check_metering_goes_on(agent, f"after {ends}")
            agent.cli("sync")
        self.assertEqual(len(account.json("agent", "list", "studio")["agents"]), 1)
        wait_until(lambda: account.card("studio", "render")["charged_units"] == 2, "both units are charged")

    def test_one_expired_for_too_long_stops_sync_alone_and_is_cured_by_enrolling_again(self):
        account, agent = self.one_agent(unit="1s")
        self.stop_both(account, agent)
        self.give_life(account, agent, -300 * DAY, -100 * DAY)
        account.start()
        agent.start()
        wait_until(lambda: "agent token studio" in (agent.status()["account"]["last_error"] or ""),
                   "the cure is told")
        self.assertEqual(agent.status()["enrollment"]["state"], "expired")
        self.check_metering_goes_on(agent, "while expired")
        known = agent_id(account)
        agent.enroll(account, "studio")
        self.assertEqual(self.synced(agent)["enrollment"]["state"], "enrolled")
        self.assertEqual(agent_id(account), known)
        agent.cli("sync")
        wait_until(lambda: account.card("studio", "render")["charged_units"] == 1, "the unit is charged")

    def test_of_one_expired_for_too_long_the_cure_is_told_with_the_account_away_since_the_start(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.stop_both(account, agent)
        self.give_life(account, agent, -300 * DAY, -100 * DAY)
        agent.start()
        wait_until(lambda: "agent token studio" in (agent.status()["account"]["last_error"] or ""),
                   "the cure is told")
        self.assertIn("agent token studio", agent.cli("status"))
        self.assertEqual(agent.report("render", "all", duration_ms=100_000).status, 200)
        self.assertIn("agent token studio", agent.session("render").json["detail"])
        account.start()
        agent.enroll(account, "studio")
        self.assertEqual(self.synced(agent)["enrollment"]["state"], "enrolled")
        wait_until(lambda: account.card("studio", "render")["charged_units"] == 100, "all units are charged")

    def test_what_one_expired_for_too_long_is_refused_a_sync_does_not_cure(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        self.stop_both(account, agent)
        self.give_life(account, agent, -300 * DAY, -100 * DAY)
        account.start()
        agent.start()
        wait_until(lambda: "agent token studio" in (agent.status()["account"]["last_error"] or ""),
                   "the cure is told")
        self.assertEqual(agent.report("render", "all", duration_ms=100_000).status, 200)  # all that it holds
        refused = agent.session("render")
        self.assertEqual(refused.status, 402)
        self.assertIn("agent token studio", refused.json["detail"])
        self.assertNotIn("sync", refused.json["detail"])

    def test_a_revoked_agent_says_so_and_spends_its_lease(self):
        account, agent = self.one_agent(unit="1s")
        account.process.stop()
        in_store(account, "UPDATE agent SET state = 'revoked'")
        account.start()
        wait_until(lambda: agent.status()["enrollment"]["state"] == "revoked", "the agent knows it")
        self.assertIn("new state folder", agent.status()["account"]["last_error"])
        self.check_metering_goes_on(agent, "while revoked")
        token = account.command("agent", "token", "studio")
        again = request(agent.admin, "POST", "/v1/enroll", json.dumps({"url": account.url, "token": token}))
        self.assertEqual(again.status, 409)
        self.assertIn("is revoked: to use this machine again, give it a new, empty state folder", again.json["detail"])

    def test_a_file_of_its_identity_that_was_lost_stops_sync_alone_and_is_cured_by_enrolling_again(self):
        account, agent = self.one_agent(unit="1s", amount=100)
        known = agent_id(account)
        other = openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=a", "-keyout", f"{self.folder}/other.key")
        harm = [("agent.crt", ""), ("agent.crt", None), ("agent.crt", other),
                ("account-ca.crt", "x"), ("account-ca.crt", None), ("identity.json", "{"),
                ("identity.json", None)]
        for count, (name, text) in enumerate(harm, 1):
            with self.subTest(name, text=text):
                agent.process.stop()
                os.remove(self.state(agent, name))
                if text is not None:
                    with open(self.state(agent, name), "w", encoding="utf-8") as file:
                        file.write(text)
                agent.start()
                status = agent.status()
                self.assertEqual(status["enrollment"]["state"], "none")
                for what in (name, "enroll this agent again", "--token"):
                    self.assertIn(what, status["account"]["last_error"])
                if name != "identity.json":
                    self.assertEqual((status["agent"]["id"], status["agent"]["team"]), (known, "studio"))
                session = agent.session("render")
                self.assertEqual(session.status, 201, session)
                request(agent.products, "DELETE", f"/v1/sessions/{session.json['id']}")
                self.check_metering_goes_on(agent, f"without {name}, {count}")
                refused = request(agent.admin, "POST", "/v1/sync")
                self.assertEqual((refused.status, refused.json["detail"]), (503, status["account"]["last_error"]))
                agent.enroll(account, "studio")
                status = self.synced(agent)
                self.assertEqual((status["enrollment"]["state"], status["agent"]["id"]), ("enrolled", known))
                self.assertIsNone(status["account"]["last_error"])
                agent.cli("sync")
                wait_until(lambda count=count: account.card("studio", "render")["charged_units"] >= count,
                           "its units are charged")

    def test_without_its_key_it_meters_and_is_nobody_else_until_the_key_is_back(self):
        account, agent = self.one_agent(unit="1s")
        key = self.state(agent, "agent.key")
        agent.process.stop()
        os.rename(key, key + ".copy")
        agent.start()
        self.assertIn("put agent.key back", agent.status()["account"]["last_error"])
        self.check_metering_goes_on(agent, "without a key")
        token = account.command("agent", "token", "studio")
        agent.cli("enroll", account.url, "--token", token, expect=1)
        self.assertFalse(os.path.exists(key))
        agent.process.stop()
        os.rename(key + ".copy", key)
        agent.start()
        self.assertEqual(self.synced(agent)["enrollment"]["state"], "enrolled")
        wait_until(lambda: account.card("studio", "render")["charged_units"] == 1, "the unit is charged")

    def test_a_key_that_others_can_read_is_refused_whatever_else_is_lost(self):
        _, agent = self.one_agent(unit="1s")
        agent.process.stop()
        os.chmod(self.state(agent, "agent.key"), 0o644)
        os.remove(self.state(agent, "agent.crt"))
        done = subprocess.run([f"{BIN}/meterboxd", "--config", agent.config], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("chmod 600", done.stderr)

    def test_an_account_with_another_name_or_ca_is_refused_and_the_cure_told(self):
        account, agent = self.one_agent(unit="1s")
        agent.process.stop()
        agent.start("--set", "account.server_name=elsewhere.example")
        status = self.troubled(agent)
        self.assertIn("not for \"elsewhere.example\"", status["account"]["last_error"])
        self.assertIn("account.server_name", status["account"]["last_error"])
        self.assertEqual(status["enrollment"]["state"], "enrolled")
        self.check_metering_goes_on(agent, "while misnamed")
        agent.process.stop()
        account.process.stop()
        other = Account(f"{self.folder}/other")
        self.programs.append(other)
        other.listen = account.listen
        other.start()
        agent.start()
        status = self.troubled(agent)
        self.assertIn("isn't a CA trusted here; if the account's CA was changed on purpose",
                      status["account"]["last_error"])
        self.check_metering_goes_on(agent, "while misled")
        other.process.stop()
        account.start()
        agent.cli("sync")
        wait_until(lambda: account.card("studio", "render")["charged_units"] == 2, "both units are charged")


def in_store(account, statement, *values):
    """While the account is down."""
    with contextlib.closing(sqlite3.connect(f"{account.store}/account.db")) as database:
        database.execute(statement, values)
        database.commit()


def agent_id(account):
    agents = account.json("agent", "list", "studio")["agents"]
    assert len(agents) == 1, agents
    return agents[0]["id"]


if __name__ == "__main__":
    main()
