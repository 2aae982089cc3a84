"""035: whatever comes in, the daemon says what is wrong, takes nothing, and goes on.

Goal: malformed HTTP, deep nesting, invalid UTF-8, numbers out of range, half a request; after each the
next good request is answered on a new connection, and no usage was recorded.
"""

import json
import socket

from over_http import raw, request
from support import EndToEnd, main

STRUCTURED = {"Content-Type": "application/cloudevents+json"}


class BadInput(EndToEnd):
    def setUp(self):
        _, self.one = self.one_agent(unit="20m")

    def tearDown(self):
        resource = self.one.resource("render")
        self.assertEqual(resource["remainder"], 0, "nothing was taken")
        self.assertTrue(self.one.process.alive())

    def post(self, body):
        return request(self.one.products, "POST", "/v1/events", body, STRUCTURED)

    def test_bytes_that_are_not_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELLO\r\n\r\n", b"\0" * 4096,
                     b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"POST /v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            answer = raw(self.one.products, data)
            self.assertIn(answer.split(b"\r\n")[0].split(b" ")[1:2], ([b"400"], [b"505"], [b"431"]), (data, answer))

    def test_json_that_is_not_well_formed(self):
        deep = '{"specversion":"1.0","id":"d","source":"/t","type":"render","data":' + "[" * 5_000 + "]" * 5_000 + "}"
        for body in (deep, b'{"id":"\xff\xfe"}', b"\xef\xbb\xbf{", b"nul", b'{"a":1}trailing',
                     b'{"specversion":"1.0","id":"x","source":"/t","type":"render","data":{"duration_ms":1e999}}'):
            answer = self.post(body)
            self.assertIn(answer.status, (400, 422), (body[:60], answer))
            self.assertIn(answer.error, ("malformed", "invalid"))

    def test_a_batch_with_one_bad_event_is_refused_whole(self):
        good = {"specversion": "1.0", "source": "/t", "id": "g", "type": "render", "data": {"duration_ms": 5}}
        for bad in ({**good, "id": "b", "data": {"duration_ms": 1.5}}, {"id": "b"}, 7, None):
            answer = request(self.one.products, "POST", "/v1/events", json.dumps([good, bad]),
                             {"Content-Type": "application/cloudevents-batch+json"})
            self.assertIn(answer.status, (400, 422), (bad, answer))
            self.assertEqual(answer.json["index"], 1)

    def test_half_a_request_keeps_nobody_waiting(self):
        silent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        silent.connect(self.one.products)
        silent.sendall(b"POST /v1/events HTTP/1.1\r\nContent-Type: application/cloudevents+json\r\n"
                       b"Content-Length: 500\r\n\r\n{\"specversion\"")
        self.assertEqual(self.one.get("/v1/resources").status, 200)
        silent.close()
        self.assertEqual(self.one.get("/v1/resources").status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        one = b"GET /v1/resources HTTP/1.1\r\nHost: x\r\n\r\n"
        other = b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /v1/resources HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answers = raw(self.one.products, (one + other) * 20 + last)
        statuses = [part[1:4] for part in answers.split(b"HTTP/1.1")[1:]]
        self.assertEqual(statuses, [b"200", b"404"] * 20 + [b"200"])


main()
