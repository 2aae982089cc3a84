"""250: random operations on three processes of the account on one PostgreSQL, against a model.

Goal: agents charge, give back and ask for units of several resources at random through whichever process answers,
while an operator sells more, gives charged units back and kills processes. At every checkpoint what the account
says is what the model adds up from what the agents said: nothing is oversold, nothing is charged twice or
forgotten, and the audit finds no difference.

METERBOX_OPERATIONS=1000000 makes it a campaign, METERBOX_SEED=2 another one. An operation is a charge, a return or
an ask in one resource, a grant, or an adjustment; an agent's sync carries those of its resources.
"""

import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from pooled_agent import PROCESSES, PooledAccounts, PooledAgent
from postgres import SKIPPED, binaries
from raw_agent import Peer
from support import Account, EndToEnd, main

AGENTS = 12
RESOURCES = 8
OPERATIONS = int(os.environ.get("METERBOX_OPERATIONS", "2500"))
SEED = os.environ.get("METERBOX_SEED", "250")
CHECKPOINTS = max(2, OPERATIONS // 25_000)
GRANTS = 5  # of a resource, at most
TIERS = ("free", "flex")  # drawn in this order; without cycles, of which agents here know nothing


class RandomAgent(PooledAgent):
    """What it did and what it was granted, of each tranche: the model is the sum of these."""

    def __init__(self, account, team, folder):
        super().__init__(account, team, folder)
        self.returned = {}
        self.changed = set()  # tranches of which something is to be told
        self.operations = 0
        self.needs = {}

    def left(self, tranche):
        return self.granted[tranche] - self.used.get(tranche, 0) - self.returned.get(tranche, 0)

    def act(self, dice):
        for resource in range(RESOURCES):
            key = f"r{resource}"
            own = [t for t in self.granted if self.resource_of[t] == key and self.left(t) > 0]
            self.needs[key] = 0
            what = dice.choice(("charge", "charge", "charge", "return", "ask", "ask"))
            if what == "ask" or not own:
                self.needs[key] = dice.randint(1, 6)
            else:
                counters = self.used if what == "charge" else self.returned
                tranche = dice.choice(own)
                counters[tranche] = counters.get(tranche, 0) + dice.randint(1, min(8, self.left(tranche)))
                self.changed.add(tranche)
            self.operations += 1

    def settle(self):
        self.needs = dict.fromkeys(self.needs, 0)

    def say(self, dice):
        self.number += 1
        resources = [self.said_of(f"r{i}") for i in range(RESOURCES)]
        body = {"session": self.session, "request_number": self.number, "usage": [],
                "journal": {"acknowledged": {"sequence": 0, "hash": ""}, "head": {"sequence": 0, "hash": ""}},
                "catalogue_version": 0, "resources": resources}
        status, reply = self.ask("/v1/sync", body, dice)
        assert status == 200, reply
        self.changed.clear()
        if reply.get("lease"):
            self.take(reply["lease"])

    def said_of(self, key):
        hour = "2026-01-01T00:00:00Z"
        tranches, used = [], 0
        for name in sorted(self.granted):
            if self.resource_of[name] != key:
                continue
            units = self.used.get(name, 0)
            used += units
            if not units and name not in self.changed:
                continue
            tranches.append({"tranche": name, "U": units, "R": self.returned.get(name, 0),
                             "hours": [{"hour": hour, "units": units}] if units else []})
        return {"resource": key, "M": 1000 * used, "q": 0, "tranches": tranches, "H": 0,
                "need": self.needs.get(key, 0), "wanted": 0, "rate": 0, "idle": False, "overage": 0}


class RandomOperations(PooledAccounts):
    def begin(self):
        self.accounts = self.processes()
        first = self.accounts[0]
        first.command("team", "add", "studio")
        self.bought, self.given_back, self.grants = {}, {}, {}
        self.operator = self.kills = 0
        for i in range(RESOURCES):
            first.command("resource", "add", f"r{i}", "--kind", "exhaustible", "--measure", "duration", "--unit", "1s")
            self.bought[f"r{i}"] = self.given_back[f"r{i}"] = self.grants[f"r{i}"] = 0
            self.sell(f"r{i}", "free", 100)
        self.agents = [RandomAgent(first, "studio", f"{self.folder}/a{i}") for i in range(AGENTS)]
        for agent in self.agents:
            agent.connect(self.accounts)

    def sell(self, resource, tier, amount):
        self.accounts[0].command("grant", "add", "studio", "--resource", resource, "--tier", tier, "--amount",
                                 str(amount))
        self.bought[resource] += amount
        self.grants[resource] += 1
        self.operator += 1

    def give_back(self, resource, units):
        self.accounts[0].command("adjust", "studio", "--resource", resource, "--units", str(-units), "--reason",
                                 "goodwill")
        self.given_back[resource] += units
        self.operator += 1

    def live(self, number, agent, until):
        dice = random.Random(f"{SEED} {number} {until}")
        try:
            while agent.operations < until and not self.failures:
                agent.act(dice)
                agent.say(dice)
            agent.settle()
            agent.say(dice)  # and what was on its way is heard
        except Exception as error:  # told by the test's own thread
            self.failures.append(error)

    def operate(self, dice):
        """Until the agents are done: sells what is nearly gone, and kills."""
        while any(thread.is_alive() for thread in self.threads):
            time.sleep(0.5)  # the pace of an operator
            for card in self.accounts[0].json("balance", "studio")["cards"]:
                gone = card["available_units"] < 50 and self.grants[card["resource"]] < GRANTS
                if gone and dice.random() < 0.3:
                    self.sell(card["resource"], dice.choice(TIERS), dice.randint(self.size // 2, self.size))
            if dice.random() < 0.03:
                account = dice.choice(self.accounts)
                account.process.signal(signal.SIGKILL)
                account.process.process.wait()
                account.start()
                self.kills += 1

    def compare(self):
        cards = {card["resource"]: card for card in self.accounts[0].json("balance", "studio")["cards"]}
        for resource, card in cards.items():
            granted, used, returned = (
                sum(getattr(a, what).get(t, 0) for a in self.agents for t in a.granted if a.resource_of[t] == resource)
                for what in ("granted", "used", "returned"))
            charged = used - self.given_back[resource]
            leased = granted - used - returned
            self.assertEqual(card["purchased_units"], self.bought[resource])
            self.assertEqual(card["charged_units"], charged, f"{resource}: charged once what was used")
            self.assertEqual(card["leased_units"], leased, f"{resource}: leased once what agents hold")
            self.assertLessEqual(charged + leased, self.bought[resource], f"{resource}: never oversold")
        for account in self.accounts:
            account.command("audit", "studio")

    def test_what_the_account_says_is_what_was_done(self):
        self.begin()
        dice = random.Random(SEED)
        self.failures = []
        self.size = max(50, OPERATIONS // 12)
        for checkpoint in range(1, CHECKPOINTS + 1):
            until = OPERATIONS * checkpoint // CHECKPOINTS // AGENTS + 1
            self.threads = [threading.Thread(target=self.live, args=(i, a, until)) for i, a in enumerate(self.agents)]
            for thread in self.threads:
                thread.start()
            self.operate(dice)
            self.assertEqual(self.failures, [])
            self.compare()
            for resource in self.bought:
                charged = self.accounts[0].card("studio", resource)["charged_units"]
                if charged > 1:
                    self.give_back(resource, dice.randint(1, min(charged, 20)))
            self.compare()
            done = sum(agent.operations for agent in self.agents) + self.operator
            print(f"{done} operations, {self.kills} kills: as the model has it", flush=True)


if __name__ == "__main__":
    if binaries() is None:
        print("skipped: PostgreSQL's server isn't installed (Debian: postgresql)")
        sys.exit(SKIPPED)
    main()
