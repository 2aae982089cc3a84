"""An agent by hand: whatever a test wants said to the account over TLS, honest or not."""

import http.client
import json
import ssl
import subprocess

NONCE = "00112233445566778899aabbccddeeff"


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, capture_output=True)


class Peer:
    """Whoever speaks to the account over TLS, with or without a certificate."""

    all = []

    def __init__(self, account, certificate=None, key=None, port=None):
        context = ssl.create_default_context(cadata=account.command("ca"))
        if certificate:
            context.load_cert_chain(certificate, key)
        host, listen = (port or account.listen).split(":")
        self.connection = http.client.HTTPSConnection(host, int(listen), context=context, timeout=20)
        Peer.all.append(self)

    def ask(self, method, path, body=None, headers=None):
        data = body if isinstance(body, (str, type(None))) else json.dumps(body)
        self.connection.request(method, path, data, headers or {})
        response = self.connection.getresponse()
        text = response.read().decode()
        return response.status, json.loads(text) if text.startswith("{") else text

    def post(self, path, body):
        return self.ask("POST", path, body)


class RawAgent:
    """An agent by hand: it says whatever the test wants."""

    def __init__(self, account, team, folder):
        self.account = account
        self.key = f"{folder}/raw.key"
        self.certificate = f"{folder}/raw.crt"
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", self.key)
        self.request = self.new_request(self.key, folder)
        self.token = account.command("agent", "token", team)
        status, reply = self.enroll()
        assert status == 200, reply
        self.id = reply["agent"]
        with open(self.certificate, "w", encoding="utf-8") as file:
            file.write(reply["certificate"])
        self.number = 0
        self.peer = Peer(account, self.certificate, self.key)

    @staticmethod
    def new_request(key, folder):
        openssl("req", "-new", "-key", key, "-subj", "/CN=agent", "-out", f"{folder}/raw.csr")
        with open(f"{folder}/raw.csr", encoding="utf-8") as file:
            return file.read()

    def enroll(self, **changed):
        body = {"token": self.token, "request": self.request, "name": "raw"} | changed
        return Peer(self.account).post("/v1/enroll", body)

    def hello_body(self, **changed):
        time = "2026-01-01T00:00:00Z"
        return {"protocol_min": 1, "protocol_max": 1, "agent": self.id, "incarnation": 1, "boot_id": "b",
                "version": "test", "journal": {"sequence": 0, "hash": ""}, "last_lease": "", "resources": [],
                "nonce": NONCE, "clock": {"estimate": time, "quality": "unset", "high_water": time}} | changed

    def hello(self, **changed):
        status, reply = self.peer.post("/v1/hello", self.hello_body(**changed))
        assert status == 200, reply
        self.session = reply["session"]
        self.number = 0
        return reply

    def sync(self, resources, number=None):
        self.number = number or self.number + 1
        return self.peer.post("/v1/sync", {
            "session": self.session, "request_number": self.number, "resources": resources,
            "usage": [{"resource": said["resource"], "hour": "2026-01-01T00:00:00Z", "subject": "", "usage": said["M"]}
                      for said in resources if said["M"] > 0],
            "journal": {"acknowledged": {"sequence": 0, "hash": ""}, "head": {"sequence": 0, "hash": ""}},
            "catalogue_version": 0})

    @staticmethod
    def counters(metered=0, used=0, need=0):
        tranches = [{"tranche": "t1", "U": used, "R": 0, "hours": [{"hour": "2026-01-01T00:00:00Z", "units": used}]}]
        return {"resource": "render", "M": metered, "q": metered % 1000, "tranches": tranches if used else [],
                "H": 0, "need": need, "wanted": 0, "rate": 0, "idle": False,
                "overage": max(0, metered // 1000 - used)}
