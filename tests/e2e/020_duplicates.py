"""020: an event counts once.

Goal: the same source and id is acknowledged again and charged once, in whichever mode or spelling it
comes and after a restart too; with other content it is refused with 409, and a batch with such an
event is refused whole.
"""

import json

from over_http import request
from support import EndToEnd, main


class Duplicates(EndToEnd):
    def setUp(self):
        _, self.one = self.one_agent(unit="20m")

    def remainder(self):
        return self.one.resource("render")["remainder"]

    def counts(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer.json["accepted"], answer.json["duplicates"]

    def batch(self, *events):
        return request(self.one.products, "POST", "/v1/events", json.dumps(
            [{"specversion": "1.0", "source": "/test", "type": "render", **event} for event in events]),
            {"Content-Type": "application/cloudevents-batch+json"})

    def test_a_duplicate_is_acknowledged_but_charged_once(self):
        self.assertEqual(self.counts(self.one.report("render", "a", duration_ms=60_000)), (1, 0))
        self.assertEqual(self.counts(self.one.report("render", "a", duration_ms=60_000)), (0, 1))
        self.assertEqual(self.counts(self.one.report("render", "a", duration="PT1M")), (0, 1))
        binary = request(self.one.products, "POST", "/v1/events", '{"duration_ms":60000}', {
            "Content-Type": "application/json", "ce-specversion": "1.0", "ce-source": "/test",
            "ce-id": "a", "ce-type": "render"})
        self.assertEqual(self.counts(binary), (0, 1))
        self.assertEqual(self.remainder(), 60_000)
        self.assertEqual(self.counts(self.one.report("render", "a", duration_ms=60_000, source="/other")), (1, 0))
        self.assertEqual(self.remainder(), 120_000)

    def test_a_duplicate_is_known_after_a_restart(self):
        self.one.report("render", "a", duration_ms=60_000)
        self.assertEqual(self.one.process.stop(), 0)
        self.one.restart()
        self.assertEqual(self.counts(self.one.report("render", "a", duration_ms=60_000)), (0, 1))
        self.assertEqual(self.remainder(), 60_000)

    def test_the_same_identity_with_other_content_is_a_conflict(self):
        self.one.report("render", "a", duration_ms=60_000)
        for other in ({"duration_ms": 60_001}, {"duration_ms": 60_000, "subject": "bridge"}):
            answer = self.one.report("render", "a", **other)
            self.assertEqual((answer.status, answer.error), (409, "conflict"), answer)
        self.assertEqual(self.remainder(), 60_000)

    def test_a_batch_counts_each_identity_once_and_is_taken_whole_or_not_at_all(self):
        minute = {"data": {"duration_ms": 60_000}}
        answer = self.batch({"id": "b1", **minute}, {"id": "b2", **minute}, {"id": "b1", **minute})
        self.assertEqual(self.counts(answer), (2, 1))
        self.assertEqual(self.remainder(), 120_000)
        answer = self.batch({"id": "b3", **minute}, {"id": "b1", "data": {"duration_ms": 1}})
        self.assertEqual((answer.status, answer.json["index"]), (409, 1), answer)
        self.assertEqual(self.remainder(), 120_000)
        self.assertEqual(self.counts(self.batch({"id": "b3", **minute})), (1, 0))

    def test_an_empty_batch_is_fine_and_openmeter_clients_get_an_empty_204(self):
        self.assertEqual(self.counts(self.batch()), (0, 0))
        answer = request(self.one.products, "POST", "/api/v1/events", json.dumps(
            {"specversion": "1.0", "source": "/test", "id": "o1", "type": "render",
             "data": {"duration_ms": 1_000}}), {"Content-Type": "application/cloudevents+json"})
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(self.remainder(), 1_000)


main()
