"""030: every row of the error table, provoked over the socket.

Goal: each status and name of the contract's table comes where it should, as application/problem+json
with type, title, status and detail, and nothing is taken. (storage: 110_full_disk.)
"""

import json
import os

from over_http import UnixConnection, exchange, raw, request, request_loopback
from support import EndToEnd, main

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def event(**more):
    return {"specversion": "1.0", "source": "/test", "id": "e1", "type": "render",
            "data": {"duration_ms": 1_000}, **more}


class ErrorTable(EndToEnd):
    def problem(self, answer, status, name):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        self.assertEqual((problem["type"], problem["status"]), (f"urn:meterbox:error:{name}", status))
        self.assertTrue(problem["title"])
        self.assertTrue(problem["detail"])
        return problem

    def post(self, body, headers=None, path="/v1/events"):
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return request(self.one.products, "POST", path, body, headers or STRUCTURED)

    def test_what_a_product_can_do_wrong(self):
        _, self.one = self.one_agent(unit="20m")
        for body in ("{", '{"id":"a","id":"b"}', "[]", json.dumps({"id": "x"}), event(specversion="0.3"),
                     event(id=""), event(source=7)):
            self.problem(self.post(body), 400, "malformed")
        self.problem(self.post([event(), {"id": "x"}], BATCH), 400, "malformed")
        self.problem(self.one.get("/v1/nothing"), 404, "not-found")
        self.problem(self.one.get("/v1/sessions/none"), 404, "not-found")
        refused = request(self.one.products, "DELETE", "/v1/events")
        self.problem(refused, 405, "method-not-allowed")
        self.assertEqual(refused.headers["allow"], "POST")
        self.problem(self.post("x" * (1024 * 1024 + 1)), 413, "too-large")
        self.problem(self.post("[" + ",".join(["{}"] * 10_001) + "]", BATCH), 413, "too-large")
        self.problem(self.post(event(), {**STRUCTURED, "X-Long": "x" * 17_000}), 431, "too-large")
        self.problem(self.post("duration=1", {"Content-Type": "text/plain"}), 415, "unsupported-media-type")
        self.problem(self.post(event(), {**STRUCTURED, "Content-Encoding": "gzip"}), 415,
                     "unsupported-media-type")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.problem(self.post("resource=render", form, "/v1/sessions"), 415, "unsupported-media-type")
        self.problem(self.post("{", {"Content-Type": "application/json"}, "/v1/sessions"), 400, "malformed")
        self.problem(self.one.session("render", subject=""), 422, "invalid")
        for wrong in (event(type="unheard-of"), event(data={"quantity": 1}), event(data={}),
                      event(data={"duration_ms": 1, "duration": "PT1S"}), event(data={"duration_ms": -1}),
                      event(data={"duration_ms": 1.5}), event(data={"duration_ms": 2**53}),
                      event(data={"duration": "P1Y"}), event(time="2020-01-01T00:00:00Z"),
                      event(time="2100-01-01T00:00:00Z"), event(time="0000-02-29T00:00:00Z"),
                      event(time="9999-12-31T23:59:59-01:00"), event(time="0001-01-01T00:00:00+01:00"),
                      event(id="i" * 1025), event(source="/" * 1025), event(subject="s" * 65)):
            self.problem(self.post(wrong), 422, "invalid")
        self.assertEqual(self.problem(self.post([event(), event(id="e2", type="unheard-of")], BATCH),
                                      422, "invalid")["index"], 1)
        self.problem(self.one.session("render", quantity=2), 422, "invalid")
        self.problem(self.one.session("unheard-of"), 422, "invalid")

        self.assertEqual(self.one.resource("render")["remainder"], 0, "nothing was taken")
        self.assertEqual(self.post(event()).status, 200)
        self.problem(self.post(event(data={"duration_ms": 2_000})), 409, "conflict")
        self.assertEqual(self.one.session("render", id="mine").status, 201)
        self.assertEqual(self.one.session("render", id="mine").status, 200)
        request(self.one.products, "DELETE", "/v1/sessions/mine")
        self.problem(self.one.session("render", id="mine"), 409, "conflict")

    def test_what_a_product_may_not(self):
        _, self.one = self.one_agent(unit="20m")
        self.one.process.stop()
        with open(self.one.config, "a", encoding="utf-8") as config:
            config.write(f'[[products.allow]]\nresource = "render"\nuid = {os.getuid()}\n')
        self.one.restart()
        problem = self.problem(self.post([event(), event(id="e2", type="other")], BATCH), 403, "forbidden")
        self.assertEqual((problem["index"], problem["pointer"]), (1, "/1/type"))
        problem = self.problem(self.post(event(type="other")), 403, "forbidden")
        self.assertEqual(problem["pointer"], "/type")
        self.problem(self.one.session("other"), 403, "forbidden")

    def test_no_balance(self):
        _, self.one = self.one_agent(unit="1s", amount=1)
        self.one.report("render", "all of it", duration_ms=1_000)
        self.one.until("render", lambda r: r["state"] == "exhausted", "the only unit is used up")
        problem = self.problem(self.one.session("render"), 402, "exhausted")
        self.assertEqual((problem["resource"], problem["reason"]), ("render", "exhausted"))
        self.assertEqual(problem["available_units"], 0)
        self.assertIn("refreshes_at", problem)

    def test_too_many(self):
        account = self.account()
        account.team("studio", "render", "20m", 10)
        self.one = self.agent()
        self.one.process.stop()
        self.one.start("--set", "products.max_sessions=1", "--set", "products.max_connections=3")
        self.one.enroll(account, "studio", "render")
        self.assertEqual(self.one.session("render").status, 201)
        self.problem(self.one.session("render"), 429, "too-many")

        kept = [UnixConnection(self.one.products) for _ in range(3)]
        for connection in kept:
            self.assertEqual(exchange(connection, "GET", "/v1/resources").status, 200)
        head = raw(self.one.products, b"GET /v1/resources HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b" 429 ", head.split(b"\r\n")[0])
        for connection in kept:
            connection.close()

    def test_not_enrolled_and_unreachable(self):
        self.one = self.agent()
        answer = self.post(event())
        self.problem(answer, 503, "not-enrolled")
        self.assertTrue(int(answer.headers["Retry-After"]) >= 0)
        self.problem(self.one.session("render"), 503, "not-enrolled")

        account = self.account()
        account.team("studio", "render", "20m", 10)
        self.one.enroll(account, "studio", "render")
        account.process.kill()
        answer = request(self.one.admin, "POST", "/v1/sync")
        self.problem(answer, 503, "unreachable")
        self.assertTrue(int(answer.headers["Retry-After"]) >= 0)

    def test_who_may_read_the_admin_endpoint_on_loopback(self):
        self.one = self.agent()

        def get(path, headers, method="GET"):
            return request_loopback(self.one.port, method, path, headers)

        bearer = {"Authorization": f"Bearer {self.one.token}"}
        self.assertEqual(get("/status", bearer).status, 200)
        self.problem(get("/status", {}), 401, "unauthenticated")
        self.problem(get("/status", {"Authorization": "Bearer guess"}), 401, "unauthenticated")
        self.problem(get("/status", {**bearer, "Host": "evil.example"}), 403, "forbidden")
        self.assertIn(get("/v1/sync", bearer, "POST").status, (403, 404, 405), "loopback only reads")


main()
