#!/usr/bin/env python3
"""The conformance kit itself: for each of its cases a plugin that is broken in that one way fails that case and no
other, a good one passes all, and so do the plugins and examples that ship. Prints TAP.

    run.py BUILD [--only N]... [--full]    BUILD is a build folder of meson; without --full a broken plugin meets the
                                           levels 0 to 2 and that of its case, else all
    run.py BUILD --page               writes sdk/doc/check.md from the table of cases
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "sdk/doc/check.md"
CC = os.environ.get("CC", "cc")
FLAGS = ["-std=gnu11", "-O1", "-shared", "-fvisibility=hidden", "-w", f"-I{ROOT}/sdk/include"]
LIMIT = 400  # for one run of the kit, which takes a few seconds on a machine that has nothing else to do
LEAST = 18  # plugins and examples that ship: all that a build makes
FROZEN = ["candles"]  # its source stays as it was when the museum's exhibits were made of it: it may warn
# what only the linker or the file system can break
LINK = {9: ["-Wl,-z,execstack"], 10: ["-fno-pic", "-mcmodel=large", "-Wl,-z,notext"], 11: ["-Wl,-rpath,/nowhere"],
        13: ["-Wl,--no-as-needed", "-lz"]}
RECORDED = {509, 510, 519}  # cases that need a recording
MUSEUM = ROOT / "tests/museum/0.1.0"
WARNS = {7, 13, 17}  # cases that warn


def writable_code(elf):
    """Its data segment can be executed as well: the flags of a program header, ELF64."""
    at, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for i in range(count):
        kind, flags = struct.unpack_from("<II", elf, at + i * size)
        if kind == 1 and flags == 6:
            struct.pack_into("<I", elf, at + i * size + 4, 7)
    return bytes(elf)


class Trial:
    def __init__(self, build, full):
        self.full = full
        self.hawse = build / "core/hawse"
        self.plugins = build / "plugins"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-check-"))
        self.cases = json.loads(self.run("--list", "--json"))
        self.host_cases = json.loads(self.run("--host", "--list", "--json"))

    def run(self, *words):
        done = subprocess.run([self.hawse, "check", *map(str, words)], capture_output=True, text=True, timeout=LIMIT)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"hawse check ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def build(self, fault):
        out = self.folder / f"broken-{fault}.so"
        pic = [] if fault == 10 else ["-fPIC"]
        subprocess.run([CC, *FLAGS, *pic, f"-DFAULT={fault}", str(HERE / "broken.c"), "-o", str(out),
                        *LINK.get(fault, [])], check=True, capture_output=True, text=True)
        if fault == 1:
            out.chmod(0o666)
        if fault == 2:
            out.write_bytes(out.read_bytes()[:8192])
        if fault == 12:
            out.write_bytes(writable_code(bytearray(out.read_bytes())))
        return out

    def record(self):
        """A capture of the good plugin beside a source of blocks."""
        source, capture = self.folder / "source.so", self.folder / "kit.hrec"
        subprocess.run([CC, *FLAGS, "-fPIC", "-DCASE=SOURCE", str(ROOT / "sdk/include/hawse/check/broken.c"), "-o", str(source)],
                       check=True, capture_output=True, text=True)
        one = {"isolation": "none", "grants": ["net", "intent"], "endpoints": {"ws": "ws://127.0.0.1:1", "http": "http://127.0.0.1:1"}}
        config = self.folder / "kit.json"
        config.write_text(json.dumps({"hawse": 1, "state_dir": str(self.folder / "state"), "instances": {
            "source": {"plugin": str(source), "isolation": "none"},
            "kit": {"plugin": str(self.build(0)), "links": {"chain": "source"}, **one}}}))
        host = subprocess.Popen([self.hawse, "run", config, "--record", capture], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True)
        time.sleep(1.5)
        host.terminate()
        log = host.communicate(timeout=20)[1]
        if host.returncode != 0:
            raise RuntimeError(f"no recording: {host.returncode}: {log}")
        return capture

    def verdicts(self, path, levels=None, recording=None):
        """Verdict to the cases that have it, and what they say."""
        some = ["--recording", recording] if recording else []
        some += ["--case", ",".join(f"L{n}" for n in sorted(levels))] if levels else []
        report = json.loads(self.run(path, "--json", *some))
        found = {}
        for case in report["cases"]:
            found.setdefault(case["verdict"], {})[case["case"]] = case["text"]
        return report, found

    def good(self, name, path, strict=True, recording=None):
        report, found = self.verdicts(path, recording=recording)
        if recording:
            found["pass"] = {k: v for k, v in found["pass"].items() if {509, 510} <= set(found["pass"])}
        bad = {**found.get("fail", {}), **found.get("crash", {}), **(found.get("warn", {}) if strict else {})}
        return name, f"{bad}" if bad or len(found["pass"]) < len(self.cases) / 2 else None

    def broken(self, fault):
        name = f"case {fault:03} finds what it is for, and no other does"
        try:
            levels = None if self.full else {0, 1, 2, fault // 100}
            report, found = self.verdicts(self.build(fault), levels, self.capture if fault in RECORDED else None)
        except (subprocess.SubprocessError, RuntimeError) as e:
            return name, getattr(e, "stderr", None) or str(e)
        worse = {**found.get("fail", {}), **found.get("crash", {}), **found.get("warn", {})}
        kind = "warn" if fault in WARNS else None
        wrong = set(worse) != {fault} or (kind and fault not in found.get(kind, {}))
        return name, f"found {worse}" if wrong else None


HOST_WORDS = [
    "# The cases of `hawse check --host`", "",
    "The other way round: plugins that are broken, each in one way, against a host: this one, or the program that is named",
    "(`hawse check --host ./build/core/hawse`), which has to understand `run CONFIG`, `status --json --socket` and `version`.",
    "Each is built by the system's compiler from the installed SDK (`hawse/check/broken.c`) and run beside a good plugin.",
    "The host has to say in one line which instance it was and why, let the good one go on, and stop as it should when it is",
    "asked to. Expected words are this host's: a host that says it otherwise fails with the line that it was to have.", ""]
HEADS = {False: ("holds of a good plugin", "why", "when it fails"),
         True: ("a plugin that is broken so", "why it matters", "what a host does")}


def page(plugin_cases, host_cases):
    lines = ["# The cases of `hawse check`", "",
             "Written by `tests/check/run.py BUILD --page` from the table that the program runs; a test compares the two.",
             "A number is never used for another case. Each runs in a process of its own for 5 seconds at most, offline;",
             "`hawse check FILE.so --case N --seed S` makes it happen again. Cases 509, 510 and 519 try a plugin on what it really",
             "met: they need `--recording`, a capture of `hawse run --record` that has it, and are skipped without one.", ""]
    level, cases = None, plugin_cases + host_cases
    for case in cases:
        if case["level"] != level:
            level = case["level"]
            if case is host_cases[0]:
                lines += HOST_WORDS
            lines += [f"## L{level}: {case['level_name']}", "", f"| case | {' | '.join(HEADS[case in host_cases])} |",
                      "|---|---|---|---|"]
        cells = [c.replace("|", "\\|") for c in (case["name"], case["reason"], case["fix"])]
        lines.append(f"| {case['case']:03} | {cells[0]} | {cells[1]} | {cells[2]} |")
        if case is cases[-1] or cases[cases.index(case) + 1]["level"] != level:
            lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", type=int, action="append")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--page", action="store_true")
    args = parser.parse_args()
    trial = Trial(args.build.resolve(), args.full)
    if args.page:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(trial.cases, trial.host_cases))
        return 0
    numbers = args.only or [c["case"] for c in trial.cases]
    results = []
    try:
        trial.capture = trial.record() if RECORDED & set(numbers) else None
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(trial.broken, n) for n in numbers]
            if not args.only:
                jobs.append(pool.submit(trial.good, "the good twin of the broken ones passes all", trial.build(0), True,
                                        trial.capture))
                jobs.append(pool.submit(trial.good, "a plugin of the museum passes all with its recording", MUSEUM / "candles-gcc.so",
                                        False, MUSEUM / "recording.hrec"))
                shipped = sorted(trial.plugins.glob("*.so"))
                jobs += [pool.submit(trial.good, f"{p.stem} passes all", p, p.stem not in FROZEN) for p in shipped]
            results = [job.result() for job in jobs]
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    if not args.only:
        same = PAGE.exists() and PAGE.read_text() == page(trial.cases, trial.host_cases)
        results.append(("the page of documentation says what the program does",
                        None if same else f"{PAGE}: write it anew by --page"))
        results.append((f"{len(shipped)} plugins and examples ship", None if len(shipped) >= LEAST else shipped))
        results.append(("there are 60 cases or more", None if len(trial.cases) >= 60 else len(trial.cases)))
    for n, (name, fault) in enumerate(results, 1):
        if fault is not None:
            print("# " + str(fault).replace("\n", "\n# "))
        print(f"{'ok' if fault is None else 'not ok'} {n} - {name}")
    print(f"1..{len(results)}")
    return 1 if any(fault is not None for _, fault in results) else 0


if __name__ == "__main__":
    sys.exit(main())
