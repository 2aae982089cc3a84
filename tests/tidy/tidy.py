"""Does the tree obey the house? Layers, bans, lengths, what is left open, links, tables said twice.

Prints each breach as file:line: what, and ends with 1 if there is one. With --format it also asks
clang-format. A rule that a program can check is here and not in a reviewer's head.
"""

import os
import re
import shutil
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
CODE = (".cpp", ".hpp")
TEXT = CODE + (".py", ".md", ".txt", ".toml", ".json", ".yml", ".service", "dev", "run")
LINES_MAX = {"tests": 600}  # by the top folder, else:
LINES_MAX_ELSE = 420
# The second opinion on what is charged: with nothing of the product's code, and short enough to be read.
REFERENCE_BILL = "tests/sim/reference_bill."
REFERENCE_BILL_LINES_MAX = 200
COLUMNS_MAX = {".cpp": 125, ".hpp": 125, ".py": 120, "dev": 120}

# Who may include whom: a folder, and the folders that its files may name.
LAYERS = {
    "core": {"core"},
    "platform": {"core", "platform"},
    "config": {"core", "config"},
    "agent": {"core", "platform", "config", "agent"},
    "account": {"core", "platform", "config", "account"},
    "client": {"core", "platform", "config", "client"},
}
CORE_BANS = [
    (r"#include <(thread|mutex|condition_variable|atomic|fstream|iostream|filesystem|random|future)>",
     "core has no clock, file, thread or randomness"),
    (r"#include <boost/(?!json|system)", "core knows of Boost only System and JSON"),
    (r"#include <(unistd|fcntl|time|sys/[a-z]+)\.h>", "core makes no system call"),
    (r"\b(system|steady|high_resolution)_clock\b", "core reads no clock: time is an argument"),
    (r"(?<!on_double\()\b(double|float)\b", "core has no floating point: all arithmetic is integer"),
    (r"\bco_(await|return|yield)\b", "core has no coroutines"),
]
CODE_BANS = [
    (r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b", "left open in the code"),
    (r"\bstd::views\b", "std::views: not with every compiler we use"),
]
# The traps of g++ 12 (docs/PITFALLS.md), as far as a pattern finds them.
COROUTINE_BANS = [
    (r"\b(if|while|switch) \((?:[^();{]|\([^();{]*\))*\bco_await\b", "co_await in a condition: name the result first"),
    (r"\?[^;:\n]*\bco_await\b", "co_await in ?: : use if"),
    (r"co_await [^;{]*\[[&=\w, ]*\]\s*(\(|\{)", "a lambda inside a co_await expression: name it first"),
]


def files():
    if os.path.exists(os.path.join(TOP, ".git")) and shutil.which("git"):
        listed = subprocess.run(["git", "-C", TOP, "ls-files"], capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            return [name for name in listed.stdout.splitlines() if os.path.isfile(os.path.join(TOP, name))]
    found = []
    for folder, folders, names in os.walk(TOP):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, name), TOP) for name in names]
    return sorted(found)


class Breaches:
    def __init__(self):
        self.count = 0

    def add(self, path, line, what):
        self.count += 1
        print(f"{path}:{line}: {what}")

    def where(self, path, text, patterns):
        """One breach for each match of each (pattern, what)."""
        for pattern, what in patterns:
            for match in re.finditer(pattern, text):
                self.add(path, text.count("\n", 0, match.start()) + 1, what)


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def check_code(path, text, breaches):
    layer = path.split("/")[0]
    explained = path.startswith("tests/") or os.path.exists(os.path.join(TOP, path[:-4] + ".hpp"))
    if not text.startswith("//") and (path.endswith(".hpp") or not explained):
        breaches.add(path, 1, "a file opens with what it is, promises, and is not")
    if path.endswith(".hpp") and "#pragma once" not in text:
        breaches.add(path, 1, "no #pragma once")
    for number, line in enumerate(text.splitlines(), 1):
        include = re.match(r'#include "([a-z_]+)/', line)
        if include and layer in LAYERS and include[1] not in LAYERS[layer]:
            breaches.add(path, number, f"{layer} must not know {include[1]}")
        if path.endswith(".hpp") and layer != "tests" and line.startswith("using namespace"):
            breaches.add(path, number, "using namespace in a header")
    bare = without_comments(text)
    breaches.where(path, text, CODE_BANS)
    breaches.where(path, bare, COROUTINE_BANS)
    if layer == "core":
        breaches.where(path, bare, CORE_BANS)


def check_reference_bill(text, breaches):
    """text: of its header and its source together."""
    lines = text.splitlines()
    if len(lines) > REFERENCE_BILL_LINES_MAX:
        breaches.add(REFERENCE_BILL + "cpp", len(lines), f"with its header more than {REFERENCE_BILL_LINES_MAX} lines")
    for line in lines:
        include = re.match(r'#include "([^"]+)"', line)
        if include and not include[1].startswith(REFERENCE_BILL):
            breaches.add(REFERENCE_BILL + "cpp", 1, f"the reference bill must not know {include[1]}")


def check_lines(path, text, breaches):
    columns = COLUMNS_MAX.get(os.path.splitext(path)[1] or path)
    lines = text.splitlines()
    lines_max = LINES_MAX.get(path.split("/")[0], LINES_MAX_ELSE)
    if columns and len(lines) > lines_max:
        breaches.add(path, len(lines), f"more than {lines_max} lines: does it hold one idea?")
    for number, line in enumerate(lines, 1):
        if columns and len(line) > columns and 'R"' not in line:  # a raw string can't be broken
            breaches.add(path, number, f"longer than {columns} columns")
        if line != line.rstrip() and not path.endswith(".md"):
            breaches.add(path, number, "white space at the end")
    if text and not text.endswith("\n"):
        breaches.add(path, len(lines), "no newline at the end")


def check_links(path, text, breaches):
    for match in re.finditer(r"\]\(([^)#\s]+)(#[^)]*)?\)", text):
        target = match[1]
        if "://" in target:
            continue
        resolved = os.path.normpath(os.path.join(TOP, os.path.dirname(path), target))
        if not resolved.startswith(TOP) or not os.path.exists(resolved):
            breaches.add(path, text.count("\n", 0, match.start()) + 1, f"the link {target} leads nowhere")
    if sum(line.startswith("# ") for line in re.sub(r"```.*?```", "", text, flags=re.S).splitlines()) != 1:
        breaches.add(path, 1, "a page has one title")


def check_places(path, text, breaches):
    """Paths that exist on one machine alone, or lead out of the tree."""
    for match in re.finditer(r"(?<![\w./$}{~-])/(\w+)/", text):
        number = text.count("\n", 0, match.start()) + 1
        line = text.splitlines()[number - 1]
        if match[1] in ("work", "farm", "home", "mnt", "srv") and "http" not in line:
            breaches.add(path, number, f"/{match[1]}/ is a place on one machine")
    for match in re.finditer(r"(?:\.\./)+", text):
        if path.endswith(".md") and match[0].count("/") > path.count("/"):
            breaches.add(path, text.count("\n", 0, match.start()) + 1, "a path out of the tree")


def check_error_table(breaches):
    """docs/API.md says the same of each error as core/error.cpp."""
    def table(path, pattern):
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            return {(status, name) for name, status in re.findall(pattern, file.read())}

    code = table("core/error.cpp", r'\{ErrorCode::\w+, "([a-z-]+)", (\d+),')
    with open(os.path.join(TOP, "docs/API.md"), encoding="utf-8") as file:
        docs = set(re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", file.read(), flags=re.M))
    for status, name in sorted(code ^ docs):
        breaches.add("docs/API.md", 1, f"error {status} {name} is only in "
                     + ("core/error.cpp" if (status, name) in code else "the page"))
    if not code:
        breaches.add("core/error.cpp", 1, "the table of errors was not found")


def check_format(sources, breaches):
    for path in sources:
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", os.path.join(TOP, path)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            breaches.add(path, 1, "not as clang-format writes it: clang-format -i")


def main():
    breaches = Breaches()
    tree = files()
    bill = ""
    for path in tree:
        if not path.endswith(TEXT):
            continue
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            text = file.read()
        if path.startswith(REFERENCE_BILL):
            bill += text
        check_lines(path, text, breaches)
        check_places(path, text, breaches)
        if path.endswith(CODE):
            check_code(path, text, breaches)
        if path.endswith(".md"):
            check_links(path, text, breaches)
    check_reference_bill(bill, breaches)
    check_error_table(breaches)
    if "--format" in sys.argv[1:]:
        check_format([path for path in tree if path.endswith(CODE)], breaches)
    print(f"{len(tree)} files, {breaches.count} breaches")
    return 1 if breaches.count else 0


sys.exit(main())
