"""An agent by hand that speaks to several processes of the account: to whichever answers, also while one is killed."""

import base64
import http.client
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from postgres import Cluster
from raw_agent import Peer, RawAgent
from support import Account, EndToEnd

PROCESSES = 3


class PooledAgent(RawAgent):
    """An honest one: it uses units of what it was granted, and says its totals to any of the processes."""

    def __init__(self, account, team, folder):
        os.makedirs(folder)
        super().__init__(account, team, folder)
        self.granted = {}
        self.used = {}
        self.resource_of = {}
        self.hellos = 0

    def connect(self, accounts):
        self.accounts = accounts
        self.peers = {}
        self.hello()

    def peer_of(self, account):
        if account not in self.peers:
            self.peers[account] = Peer(account, self.certificate, self.key)
        return self.peers[account]

    def ask(self, path, body, dice):
        """Some process answers it, however often it takes to find one."""
        for account in dice.sample(self.accounts, len(self.accounts)) * 20:
            try:
                status, reply = self.peer_of(account).post(path, body)
            except (OSError, http.client.HTTPException):  # it was killed, perhaps in the middle of an answer
                self.peers.pop(account).connection.close()
                continue
            if status != 503:
                return status, reply
        raise AssertionError("no process of the account answers")

    def hello(self, **changed):
        self.hellos += 1
        status, reply = self.ask("/v1/hello", self.hello_body(nonce=f"{random.getrandbits(128):032x}"), random)
        assert status == 200, reply
        self.session = reply["session"]
        self.number = 0
        return reply

    def round(self, dice):
        for tranche, granted in self.granted.items():
            self.used[tranche] = dice.randint(self.used.get(tranche, 0), granted)
        self.number += 1
        body = {"session": self.session, "request_number": self.number, "usage": [],
                "journal": {"acknowledged": {"sequence": 0, "hash": ""}, "head": {"sequence": 0, "hash": ""}},
                "catalogue_version": 0, "resources": [self.said()]}
        status, reply = self.ask("/v1/sync", body, dice)
        assert status == 200, reply
        if reply.get("lease"):
            self.take(reply["lease"])

    def said(self):
        hour = "2026-01-01T00:00:00Z"
        tranches = [{"tranche": name, "U": units, "R": 0, "hours": [{"hour": hour, "units": units}]}
                    for name, units in sorted(self.used.items()) if units]
        return {"resource": "render", "M": 1000 * sum(self.used.values()), "q": 0, "tranches": tranches, "H": 0,
                "need": 2, "wanted": 0, "rate": 0, "idle": False, "overage": 0}

    def take(self, jws):
        part = jws.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for resource in claims["resources"]:
            for tranche in resource["tranches"]:
                name = tranche["tranche"]
                self.resource_of[name] = resource["key"]
                self.granted[name] = max(self.granted.get(name, 0), tranche["G"])


class PooledAccounts(EndToEnd):
    """A scenario with processes of the account on one PostgreSQL of its own."""

    def run(self, result=None):
        with Cluster() as self.cluster:
            return super().run(result)

    def tearDown(self):
        while Peer.all:
            Peer.all.pop().connection.close()

    def processes(self, count=PROCESSES):
        url = self.cluster.url()
        accounts = [Account(f"{self.folder}/acc{i}", url) for i in range(count)]
        self.programs += accounts
        return [account.start() for account in accounts]
