#!/usr/bin/env python3
"""House style that a formatter cannot see: lengths, complexity, forbidden calls, headers that stand
alone, tags on every function of the ABI. Prints one line per fault; exits 1 when there is any.

    check.py [--top N]      --top lists the N longest and most complex functions instead
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES = 800
FUNCTION_LINES = 60
COMPLEXITY = 15
COLUMNS = 100

# call: what to use instead
FORBIDDEN = {
    "strcpy": "snprintf or memcpy with a checked length",
    "strcat": "snprintf",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "strtok": "a loop: strtok keeps hidden state",
    "atof": "an exact parser: amounts are integers",
    "alloca": "a fixed buffer",
    "setjmp": "an error code",
    "longjmp": "an error code",
}


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT,
                         check=True, capture_output=True, text=True).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).exists()]


def without_comments(text):
    """Comments and literals blanked, line structure kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)


def functions(code):
    """(name, first line, number of lines, body) of every function: its braces stand in column 0."""
    lines = code.split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{" and i > 0:
            start = i
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 6):start])
            names = re.findall(r"(\w+)\s*\(", head.split(";")[-1].split("}")[-1])
            name = next((n for n in names if n not in ("__attribute__", "constructor", "target")),
                        "?")
            yield name, start + 1, i - start + 1, "\n".join(lines[start:i + 1])
            start = None


def complexity(body):
    """McCabe's number: one more than the decisions."""
    words = re.findall(r"\b(?:if|for|while|case)\b", body)
    return 1 + len(words) + body.count("&&") + body.count("||") + body.count("?")


def check_file(path, faults, table):
    text = path.read_text()
    name = path.relative_to(ROOT)
    lines = text.count("\n")
    if lines > FILE_LINES:
        faults.append(f"{name}: {lines} lines, at most {FILE_LINES}: is it still one idea?")
    for n, line in enumerate(text.split("\n"), 1):
        if len(line.expandtabs(4)) > COLUMNS:
            faults.append(f"{name}:{n}: {len(line)} columns, at most {COLUMNS}")
    if not re.match(r"\s*/[*/]", text):
        faults.append(f"{name}:1: open with a few lines: what it is for, what it owns")
    code = without_comments(text)
    for match in re.finditer(r"\b(\w+)\s*\(", code):
        if match.group(1) in FORBIDDEN:
            line = code.count("\n", 0, match.start()) + 1
            faults.append(f"{name}:{line}: {match.group(1)}() is forbidden: use "
                          f"{FORBIDDEN[match.group(1)]}")
    for function, line, length, body in functions(code):
        cc = complexity(body)
        table.append((length, cc, f"{name}:{line} {function}"))
        if str(name).startswith("tests/"):
            continue  # a test is a list of facts, as long as there are facts
        if length > FUNCTION_LINES + 2:
            faults.append(f"{name}:{line}: {function} has {length} lines, at most {FUNCTION_LINES}")
        if cc > COMPLEXITY:
            faults.append(f"{name}:{line}: {function} has complexity {cc}, at most {COMPLEXITY}")


def check_tags(faults):
    """Every function pointer of the ABI says on which thread it may be called."""
    for path in sorted((ROOT / "sdk/include/hawse").rglob("*.h")):
        text = path.read_text()
        for match in re.finditer(r"^    [\w *]+\(\*(\w+)\)\(", text, flags=re.M):
            before = text[:match.start()].rstrip()
            comment = before[before.rfind("/*"):] if before.endswith("*/") else ""
            if not re.match(r"/\* \[(lane|any|pool)", comment):
                line = text.count("\n", 0, match.start()) + 1
                faults.append(f"{path.relative_to(ROOT)}:{line}: {match.group(1)} has no thread tag")


def check_headers(faults):
    """Public headers compile alone, as C11 and as C++17."""
    for path in sorted((ROOT / "sdk/include/hawse").rglob("*.h")):
        for compiler in (["gcc", "-std=c11", "-xc"], ["g++", "-std=c++17", "-xc++"]):
            command = [*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                       f"-I{ROOT}/sdk/include", str(path)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                faults.append(f"{path.relative_to(ROOT)}: does not compile alone by {compiler[0]}: "
                              + done.stderr.strip().split("\n")[0])


def check_taps(faults):
    """Every service of the host can be recorded: a plugin that uses another cannot be replayed."""
    ids = {name: set(re.findall(r"\{(HAWSE_\w+_ID), &", (ROOT / "core/host" / name).read_text()))
           for name in ("api.c", "tap_services.c")}
    for service in sorted(ids["api.c"] - ids["tap_services.c"]):
        faults.append(f"core/host/tap_services.c: {service} of api.c is not recorded: see tap.h")


def check_format(files, faults):
    """clang-format agrees with every file."""
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, files)],
                          capture_output=True, text=True, cwd=ROOT)
    names = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, flags=re.M)))
    faults += [f"{pathlib.Path(n).relative_to(ROOT)}: clang-format would change it" for n in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=int, default=0)
    args = parser.parse_args()
    faults, table = [], []
    sources = tracked("*.c", "*.h")
    for path in sources:
        check_file(path, faults, table)
    if args.top:
        for length, cc, where in sorted(table, reverse=True)[:args.top]:
            print(f"{length:4} lines  complexity {cc:3}  {where}")
        for length, cc, where in sorted(table, key=lambda row: -row[1])[:args.top]:
            print(f"complexity {cc:3}  {length:4} lines  {where}")
        return 0
    check_tags(faults)
    check_taps(faults)
    check_headers(faults)
    check_format(sources, faults)
    for fault in faults:
        print(fault)
    print(f"style: {len(sources)} files, {len(table)} functions, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
