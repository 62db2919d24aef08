#!/usr/bin/env python3
"""Which lines the tests ran, of a build with -Db_coverage=true that has been run: per room, the files that fall short, and
in all. Ends with 1 when less than the least was run.

    coverage.py BUILD [--least 80] [--whole core/tx/nonce --whole core/risk ...] [--lines FILE]
--whole: what begins like that must have been run to the last line. --lines: the lines of a file that never ran.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROOMS = ("core/", "sdk/lib/", "sdk/include/", "plugins/")


def gcov(build):
    """{file: {line: times it ran}}, over every object that a file was compiled into."""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    notes = sorted(build.rglob("*.gcno"))
    for start in range(0, len(notes), 100):
        done = subprocess.run(["gcov", "--json-format", "--stdout", *map(str, notes[start:start + 100])], cwd=build,
                              capture_output=True, text=True, timeout=300)
        for text in filter(None, done.stdout.splitlines()):
            for file in json.loads(text)["files"]:
                path = (build / file["file"]).resolve()
                if not path.is_relative_to(ROOT):
                    continue
                name = str(path.relative_to(ROOT))
                if name.startswith(ROOMS):
                    for line in file["lines"]:
                        lines[name][line["line_number"]] += line["count"]
    return lines


def share(counts):
    return 100 * sum(c > 0 for c in counts) / max(len(counts), 1)


def room_of(name):
    parts = name.split("/")
    return "/".join(parts[:3] if parts[0] == "plugins" else parts[:2])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--least", type=float, default=80)
    parser.add_argument("--whole", action="append", default=[])
    parser.add_argument("--lines")
    args = parser.parse_args()
    lines = gcov(args.build.resolve())
    if args.lines:
        print(" ".join(str(n) for n, count in sorted(lines[args.lines].items()) if count == 0))
        return 0
    rooms = collections.defaultdict(list)
    for name, counts in lines.items():
        rooms[room_of(name)].extend(counts.values())
    for room, counts in sorted(rooms.items()):
        print(f"{share(counts):6.1f} %  {len(counts):6} lines  {room}")
    short = [n for n, c in lines.items() if share(c.values()) < args.least]
    for name in sorted(short):
        print(f"  below {args.least:g} %: {share(lines[name].values()):5.1f} %  {name}")
    broken = []
    for name in sorted(n for n in lines if n.startswith(tuple(args.whole)) and args.whole):
        missing = [line for line, count in sorted(lines[name].items()) if count == 0]
        print(f"  whole: {share(lines[name].values()):5.1f} %  {name}{'  never ran: ' + ' '.join(map(str, missing)) if missing else ''}")
        broken += [name] if missing else []
    total = share([count for counts in lines.values() for count in counts.values()])
    good = total >= args.least and not broken
    print(f"{total:.1f} % of {sum(map(len, lines.values()))} lines ran; {len(broken)} files that must be run whole are not")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
