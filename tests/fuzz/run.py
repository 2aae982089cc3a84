"""Runs the fuzz targets one after the other, and says of each how many inputs it was given, how much of the
code they reach, and whether one of them crashed it. New inputs that reach more are kept in build/fuzz/corpus/,
inputs that crash in build/fuzz/crashes/; what libFuzzer said is in build/logs/. Ends with 1 at any crash.
--traps runs programs without AddressSanitizer, in which undefined behaviour is a trap; a run without it then
begins with what those have found.
"""

import argparse
import os
import re
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
SEEDS = os.path.join(TOP, "tests/fuzz/corpus")
BUILD = os.path.join(TOP, "build/fuzz")


def targets():
    return sorted(name for name in os.listdir(SEEDS) if os.path.isdir(os.path.join(SEEDS, name)))


def command(programs, target, seconds):
    corpus = os.path.join(BUILD, "corpus", target)
    crashes = os.path.join(BUILD, "crashes")
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(crashes, exist_ok=True)
    return [os.path.join(programs, target + "_fuzz"), f"-max_total_time={seconds}", "-timeout=10",
            "-rss_limit_mb=2048", "-entropic=0", "-print_final_stats=1", f"-artifact_prefix={crashes}/{target}-",
            corpus, os.path.join(SEEDS, target)]


def last(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def fuzz(programs, target, seconds):
    log = os.path.join(TOP, "build/logs", f"fuzz-{target}.log")
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "w", encoding="utf-8", errors="replace") as file:
        status = subprocess.run(command(programs, target, seconds), stdout=file, stderr=subprocess.STDOUT,
                                check=False).returncode
    with open(log, encoding="utf-8", errors="replace") as file:
        said = file.read()
    inputs = last(r"stat::number_of_executed_units: (\d+)", said)
    edges = last(r"cov: (\d+)", said)
    print(f"{target:20} {inputs:>12} inputs   {edges:>6} edges   {'1 crash' if status else 'no crash'}", flush=True)
    if status:
        why = re.findall(r"^(?:meterbox: bug: .*|.*ERROR: .*|.*runtime error: .*|.*Assertion .* failed.*)$", said, re.M)
        kept = re.findall(r"written to (\S+)", said)
        print("    " + "\n    ".join(why[:2] + kept + [log]), flush=True)
    return inputs, status


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description="fuzz each parser for some time")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--traps", action="store_true", help="without AddressSanitizer, for many more inputs")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all: " + " ".join(targets()))
    arguments = parser.parse_args()
    for target in arguments.targets:
        if target not in targets():
            parser.error(f"no target {target}; there are: {' '.join(targets())}")
    programs = os.path.join(BUILD + ("_traps" if arguments.traps else ""), "bin")
    results = [fuzz(programs, target, arguments.seconds) for target in arguments.targets or targets()]
    crashes = sum(status != 0 for _, status in results)
    print(f"{sum(inputs for inputs, _ in results)} inputs, {crashes} crashes")
    return 1 if crashes else 0


sys.exit(main())
