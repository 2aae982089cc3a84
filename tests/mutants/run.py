"""Would anybody notice? Breaks one promise of the code at a time, and sees who finds it.

The preset mutants holds all of the faults that the code names with METERBOX_MUTANT (core/mutant.hpp), each off
until METERBOX_MUTANT names it in the environment. First everything must pass with none of them; then something
must fail with each: a unit or contract test, else a world of the simulator. Ends with 1 where one lives, or where
this list and the code differ.

    ./dev mutants [--simulator | --tests] [NAME ...]

--simulator: asks the simulator alone, which knows nothing of the rules but what must hold.
--tests: asks the unit and contract tests alone, in a minute or two.

METERBOX_BIN: the folder with the programs of that preset.
"""

import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
SEEDS_WITHOUT = 10  # that must pass where nothing is broken
SEEDS_MAX = 60
SECONDS_A_RUN = 1200
SLOWER = 20  # than with nothing broken: it goes round for ever, and that is noticed too
JOBS = str(os.cpu_count() or 1)
TESTS = ("core_deciding_tests", "core_parsing_tests", "account_tests", "journal_tests", "session_tests",
         "account_store_tests")
FOLDERS = ("core", "agent", "account", "platform")

# What each breaks, in the words of the promise.
MUTANTS = {
    "admitted_at_zero": "a session begins though nothing is left for it",
    "booked_outside_validity": "a unit is booked to a tranche that was not valid when it was completed",
    "clock_runs_back": "the trusted clock shows less than it has shown",
    "cycle_begun_again": "an agent asks without a pause once its billing cycle is over",
    "draw_order_ignored": "tranches are drawn in the order in which they were made",
    "end_forgotten": "what is unleased of a tranche that ended is leased all the same",
    "ended_tranche_drawn": "an agent draws units from a tranche outside its validity",
    "ended_units_sold": "units that come back to a tranche that ended are sold again",
    "forgotten_untold": "usage by hour that an account has forgotten is not told to it again",
    "identity_ignored": "an event that was taken before counts again",
    "learning_ignored": "an account that was put back grants before it has heard each agent",
    "lease_not_learned": "an account that was put back takes no agent's lease for what it had granted",
    "lost_at_once": "an agent is given up for lost as soon as another one is heard",
    "metered_unsaved": "a total that events raised is not stored with them",
    "need_met_twice": "a need whose units are on their way already is leased again",
    "older_lease": "an agent takes up a lease that isn't newer",
    "order_ignored": "a request that comes late is taken for the newest",
    "other_sessions_lease": "an agent takes up a lease that was signed for an earlier session",
    "pool_overdrawn": "a need is leased though the pool has not so much",
    "settled_unheard": "usage that changed since the account heard of it counts as heard",
    "slice_without_mark": "a session's time is metered without noting up to when",
    "starts_forgotten": "a journal forgets its starts with their links",
    "stop_forgotten": "sessions are not told to stop at 0",
    "tokens_overtaken": "tokens that an older ticket waits for are leased to who asks for another resource",
    "totals_added": "a total is taken for an increment",
    "unheard_dropped": "a journal beyond its budget drops events that the account hasn't heard of",
    "unit_in_use_returned": "a recall takes the unit that a session runs on",
    "unit_uncharged": "a unit that the account has heard of is not charged",
}


def named_in_the_code():
    names = set()
    for folder in FOLDERS:
        for path, _, files in os.walk(os.path.join(TOP, folder)):
            for file in files:
                if file.endswith((".cpp", ".hpp")) and file != "mutant.hpp":
                    with open(os.path.join(path, file), encoding="utf-8") as text:
                        names.update(re.findall(r"METERBOX_MUTANT\((\w+)\)", text.read()))
    return names


seconds_whole = {}  # that each program took with nothing broken


def run(mutant, program, *arguments):
    """None where all went well, else what the program said of it."""
    limit = max(60, SLOWER * seconds_whole[program]) if mutant else SECONDS_A_RUN
    began = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("METERBOX_")}
    if mutant:
        environment["METERBOX_MUTANT"] = mutant
    try:
        done = subprocess.run([os.path.join(os.environ["METERBOX_BIN"], program), *arguments], env=environment,
                              capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return "no end", ""
    if not mutant:
        seconds_whole[program] = time.monotonic() - began
    return None if done.returncode == 0 else (done.returncode, done.stdout + done.stderr)


def simulate(seeds, mutant):
    failure = run(mutant, "meterbox_sim", "--seeds", str(seeds), "--jobs", JOBS, "--first-failure")
    if not failure:
        return None
    status, text = failure
    if status not in ("no end", 1, -signal.SIGABRT):
        raise SystemExit(f"meterbox_sim ended with {status}: {text}")
    found = re.findall(r"^(seed \d+: .*|meterbox: bug: .*)", text, flags=re.M)
    return found[0] if found else f"ended with {status}"


def test(mutant):
    for program in TESTS:
        failure = run(mutant, program)
        if failure:
            names = re.findall(r"^-{79}\n(.*)\n", failure[1], flags=re.M)
            return f"{program}: {names[0].strip() if names else 'ended with ' + str(failure[0])}"
    return None


def catch(mutant, who, seeds):
    return ("--simulator" not in who and test(mutant)) or ("--tests" not in who and simulate(seeds, mutant)) or None


def main():
    wrong = named_in_the_code() ^ set(MUTANTS)
    if wrong:
        print(f"only in the code, or only in this list: {', '.join(sorted(wrong))}")
        return 1
    who = {"--simulator", "--tests"}.intersection(sys.argv[1:])
    chosen = [word for word in sys.argv[1:] if word not in who] or sorted(MUTANTS)
    unknown = set(chosen) - set(MUTANTS)
    if unknown:
        print(f"no mutant {', '.join(sorted(unknown))}; there are: {', '.join(sorted(MUTANTS))}", file=sys.stderr)
        return 2
    harmless = catch(None, who, SEEDS_WITHOUT)
    if harmless:
        print(f"without any mutant: {harmless}")
        return 1
    lived = 0
    for mutant in chosen:
        began = time.monotonic()
        found = catch(mutant, who, SEEDS_MAX)
        lived += not found
        print(f"{mutant}: {MUTANTS[mutant]}\n    {'caught' if found else 'LIVED'} after "
              f"{time.monotonic() - began:.1f} s{': ' + found[:150] if found else ''}", flush=True)
    print(f"{len(chosen) - lived} of {len(chosen)} mutants were caught")
    return 1 if lived else 0


sys.exit(main())
