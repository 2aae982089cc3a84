"""010: whole units are charged, and what fills none is kept (domain, worked example 1).

Goal: with units of 20 minutes, reports of 10 min, 9 min 59 s and 1 s charge 0, 0 and 1 and leave
10 min, 19:59 and 0; the agent's card and the team's balance at the account say the same.
"""

from support import EndToEnd, main, wait_until


class WholeUnits(EndToEnd):
    def test_only_completed_units_are_charged(self):
        account, agent = self.one_agent(unit="20m", amount=150)
        reports = [("PT10M", 600_000, 0), ("PT9M59S", 1_199_000, 0), ("PT1S", 0, 1)]
        for number, (duration, remainder, charged) in enumerate(reports):
            answer = agent.report("render", f"r{number}", duration=duration)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual((answer.json["accepted"], answer.json["duplicates"]), (1, 0))
            self.assertEqual(answer.json["resources"]["render"]["remainder"], remainder)
            card = agent.card("render")
            self.assertEqual((card["charged_units"], card["remainder"]), (charged, remainder))

        card = wait_until(lambda: (c := account.card("studio", "render"))["charged_units"] == 1 and c,
                          "the unit is charged at the account")
        self.assertEqual((card["available_units"], card["purchased_units"]), (149, 150))
        self.assertEqual((card["used_percent"], card["state"], card["remainder"]), (1, "ok", 0))
        account.command("audit", "studio")

    def test_usage_is_kept_in_the_measure(self):
        account, agent = self.one_agent(unit="20m", amount=150)
        agent.report("render", "r1", duration_ms=90_000, subject="bridge")

        def rows():
            return account.json("usage", "studio", "--from", "2020-01-01", "--to", "2100-01-01",
                                "--by", "hour")["rows"]

        row = wait_until(rows, "the usage is at the account")[0]
        self.assertEqual((row["resource"], row["subject"], row["usage"]), ("render", "bridge", 90_000))
        self.assertEqual(row["units"], 0)


main()
