"""Billing cycles agree with an independent computation by Python's zoneinfo.

Usage: against_zoneinfo.py PRINT_CYCLES [--all]. Without --all: a few hundred combinations of zone, years and
anchor day, the odd zones among them. With --all: every zone of the system, 30 years, every anchor day.
"""

import calendar
import random
import subprocess
import sys
import zoneinfo
from datetime import date, datetime, timedelta, timezone

UTC = timezone.utc
# Midnights skipped and shown twice, a day skipped whole, half hours, a shift of half an hour.
ODD = ["America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia", "Asia/Gaza",
       "America/Asuncion", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Europe/Paris", "UTC"]
FIRST_YEAR, LAST_YEAR = 2005, 2034


def first_instant(zone, day):
    """The first second of UTC at which the zone's clocks show the date, or the first after it."""
    midnight = datetime(day.year, day.month, day.day)
    at = midnight.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == midnight:
        return int(at.timestamp())
    # There is no such midnight: bisect for the moment at which the clocks jump over it.
    before, after = int((at - timedelta(hours=30)).timestamp()), int((at + timedelta(hours=30)).timestamp())
    while after - before > 1:
        middle = (before + after) // 2
        shown = datetime.fromtimestamp(middle, UTC).astimezone(zone).replace(tzinfo=None)
        before, after = (middle, after) if shown < midnight else (before, middle)
    return after


def expected(zone, first_year, last_year, anchor_day, known):
    begins = []
    for year in range(first_year, last_year + 1):
        for month in range(1, 13):
            day = date(year, month, min(anchor_day, calendar.monthrange(year, month)[1]))
            if (zone.key, day) not in known:
                known[zone.key, day] = first_instant(zone, day)
            begins.append(known[zone.key, day])
    return begins


def cases(everything):
    names = sorted(name for name in zoneinfo.available_timezones()
                   if name not in ("localtime", "Factory") and not name.startswith(("posix/", "right/")))
    if everything:
        return [(name, FIRST_YEAR, LAST_YEAR, day) for name in names for day in range(1, 32)]
    drawn = random.Random(20261126)
    some = [(name, FIRST_YEAR, LAST_YEAR, day) for name in ODD for day in (1, 15, 29, 30, 31)]
    for _ in range(300):
        year = drawn.randrange(1975, 2060)
        some.append((drawn.choice(names), year, year + 1, drawn.randrange(1, 32)))
    return some


def main():
    everything = "--all" in sys.argv
    tried = cases(everything)
    asked = "".join(f"{zone} {first} {last} {day}\n" for zone, first, last, day in tried)
    said = subprocess.run([sys.argv[1]], input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(said) != len(tried):
        sys.exit(f"{len(tried)} asked, {len(said)} answers")
    wrong, zone, known, boundaries = 0, None, {}, 0
    for (name, first, last, day), line in zip(tried, said):
        if zone is None or zone.key != name:
            zone, known = zoneinfo.ZoneInfo(name), {}
        right = " ".join(map(str, expected(zone, first, last, day, known)))
        boundaries += 12 * (last - first + 1)
        if line != right:
            wrong += 1
            for a, b in zip(line.split(), right.split()):
                if a != b:
                    print(f"{name}, anchor day {day}: {a}, by zoneinfo {b}")
                    break
            else:
                print(f"{name}, anchor day {day}: {line[:80]}")
    zones = len({case[0] for case in tried})
    print(f"{zones} zones, {len(tried)} anchors, {boundaries} boundaries compared, {wrong} of the anchors differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
