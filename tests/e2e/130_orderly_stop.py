"""130: SIGTERM drops no answer to what was committed.

Goal: products report without pause, several requests on the way at once, while agent and account are told to
end, again and again. A request that was under way is either answered or was not committed: what the journal
holds is what was acknowledged, to the unit, without one retry; so with the grants of the account.
"""

import contextlib
import json
import os
import signal
import socket
import threading

from over_http import wait_until
from support import EndToEnd, main

ROUNDS = int(os.environ.get("METERBOX_ROUNDS", "12"))
REPORTERS = 6
AT_ONCE = 5  # requests of one connection that are under way together


def sent_more(connection, data):
    try:
        return connection.send(data) == len(data)
    except BlockingIOError:
        return False


def post(path, body, content_type):
    return (f"POST {path} HTTP/1.1\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


class Client(threading.Thread):
    """Sends a handful of requests in one piece, reads their answers, and so on until nobody answers."""

    def __init__(self, path, make):
        super().__init__(daemon=True)
        self.path = path
        self.make = make  # number -> (bytes of a request, what it is worth)
        self.answered = 0  # worth of what was answered well
        self.answers = 0
        self.sent = 0
        self.odd = []

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(20)
                connection.connect(self.path)
                with connection.makefile("rb") as answers:
                    while self.together(connection, answers):
                        pass
        except OSError:
            pass

    def together(self, connection, answers):
        requests = [self.make(self.sent + i) for i in range(AT_ONCE)]
        self.sent += AT_ONCE
        connection.sendall(b"".join(text for text, _ in requests))
        for _, worth in requests:
            status, body = self.answer(answers)
            if status is None:
                return False
            if status != 200:
                self.odd.append((status, body))
            else:
                self.answered += worth
                self.answers += 1
        return True

    @staticmethod
    def answer(answers):
        line = answers.readline()
        if not line:
            return None, None
        length = 0
        while (header := answers.readline().strip()):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return int(line.split()[1]), answers.read(length)


class OrderlyStop(EndToEnd):
    def rounds_of(self, program, path, make, what):
        """Runs clients and stops the program under them; the worth of all that was answered."""
        answered = answers = sent = 0
        for number in range(ROUNDS):
            clients = [Client(path, make(number, client)) for client in range(REPORTERS)]
            for client in clients:
                client.start()
            wait_until(lambda: all(client.answers > 2 * AT_ONCE for client in clients), what)
            self.assertEqual(program.process.stop(), 0)
            for client in clients:
                client.join(20)
                self.assertFalse(client.is_alive())
                self.assertEqual(client.odd, [])
                answered += client.answered
                answers += client.answers
                sent += client.sent
            program.start()
        print(f"{ROUNDS} ends, {answers} {what}, {sent - answers} cut off", flush=True)
        self.assertGreater(sent, answers, "none was under way at the end: the test shows nothing")
        return answered

    def test_a_report_under_way_is_answered_or_not_committed(self):
        _, agent = self.one_agent(unit="1000000000", amount=1, resource="calls", measure="count")

        def make(number, client):
            def report(at):
                event = {"specversion": "1.0", "source": f"/{number}/{client}", "id": str(at), "type": "calls",
                         "data": {"quantity": at % 7 + 1}}
                return post("/v1/events", json.dumps(event), "application/cloudevents+json"), at % 7 + 1
            return report

        answered = self.rounds_of(agent, agent.products, make, "reports answered")
        self.assertEqual(agent.resource("calls")["remainder"], answered)

    def test_a_grant_under_way_is_answered_or_not_added(self):
        account = self.account()
        account.command("resource", "add", "render", "--kind", "exhaustible", "--measure", "count", "--unit", "1")
        account.command("team", "add", "studio")

        def make(_number, _client):
            def grant(_at):
                argv = ["grant", "add", "studio", "--resource", "render", "--tier", "free", "--amount", "1"]
                return post("/v1/command", json.dumps({"argv": argv}), "application/json"), 1
            return grant

        answered = self.rounds_of(account, f"{account.store}/account.sock", make, "grants answered")
        self.assertEqual(account.card("studio", "render")["purchased_units"], answered)

    def test_asked_twice_it_ends_without_waiting_for_a_slow_reader(self):
        """Answers of megabytes are on the way; they are read while it ends, which is none of its business."""
        _, agent = self.one_agent()
        with socket.socket(socket.AF_UNIX) as slow:
            slow.settimeout(20)
            slow.connect(agent.admin)
            slow.setblocking(False)
            request = b"GET /metrics HTTP/1.1\r\n\r\n"
            wait_until(lambda: not sent_more(slow, request * 100), "the agent's answers wait for their reader")
            agent.process.signal(signal.SIGTERM)
            wait_until(lambda: not os.path.exists(agent.admin), "it has begun to end")
            agent.process.signal(signal.SIGSTOP)
            agent.process.signal(signal.SIGTERM)
            agent.process.signal(signal.SIGCONT)
            slow.setblocking(True)
            with contextlib.suppress(ConnectionError):
                while slow.recv(1 << 20):
                    pass
        self.assertEqual(agent.process.process.wait(20), 0)
        with open(agent.process.log, encoding="utf-8") as log:
            self.assertNotIn("event=agent.stopped", log.read())

    def test_a_session_goes_on_after_an_orderly_stop(self):
        _, agent = self.one_agent()
        stream = agent.stream("render", id="job")
        self.assertEqual(stream.next()[1]["state"], "active")
        self.assertEqual(agent.process.stop(), 0)
        self.assertEqual(stream.next()[0], None)
        agent.start()
        self.assertEqual(agent.stream("render", id="job").status, 200)


main()
