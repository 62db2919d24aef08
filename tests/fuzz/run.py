#!/usr/bin/env python3
"""Runs every fuzz target on its corpus, then for some seconds on what it makes of it; two at a time. Prints TAP.

    run.py BUILD [--seconds N] [--keep] [--only NAME]

A finding is left in BUILD/findings/NAME-..., with the command that repeats it. --keep puts what reached new code
into tests/fuzz/corpus/NAME, as few inputs as reach it all.
"""
import argparse
import concurrent.futures
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
AT_ONCE = 2
INPUT_MAX = 4096  # bytes of one input
INPUT_S = 10      # one input may take so long
RSS_MB = 1024


def command(program, *options):
    return [str(program), f"-timeout={INPUT_S}", f"-rss_limit_mb={RSS_MB}", "-print_final_stats=1", *options]


def judge(done, findings, name):
    """(None, or what is wrong; inputs that were run)"""
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    count = int(runs.group(1)) if runs else 0
    if done.returncode == 0:
        return None, count
    left = sorted(findings.glob(f"{name}-*"))
    repeat = f"repeat: {done.args[0]} {left[-1]}" if left else ""
    return "\n".join(done.stderr.splitlines()[-30:]) + f"\n{repeat}", count


def keep(program, name, made):
    """The fewest inputs that reach what all of them reach; old ones go first, and stay when they are enough."""
    folder, merged = CORPUS / name, made.with_name(made.name + ".merged")
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    # edges alone, not how often each is passed: a corpus in a repository is small
    subprocess.run(command(program, "-set_cover_merge=1", "-use_counters=0", str(merged), str(folder), str(made)),
                   capture_output=True, text=True, timeout=600, check=True)
    have = {hashlib.sha1(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    new = [p for p in merged.iterdir() if hashlib.sha1(p.read_bytes()).hexdigest() not in have]
    for path in new:
        shutil.copy(path, folder / hashlib.sha1(path.read_bytes()).hexdigest()[:16])
    shutil.rmtree(merged)
    return len(new)


def run(program, args):
    name = program.name.removeprefix("fuzz_")
    findings, made = args.build / "findings", args.build / "made" / name
    findings.mkdir(exist_ok=True)
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    corpus = CORPUS / name
    if not corpus.is_dir() or not any(corpus.iterdir()):
        return name, f"has no corpus in {corpus}", 0, 0
    prefix = f"-artifact_prefix={findings}/{name}-"
    done = subprocess.run(command(program, prefix, "-runs=0", str(corpus)), capture_output=True, text=True,
                          timeout=120)
    fault, count = judge(done, findings, name)
    if fault is None and args.seconds > 0:
        done = subprocess.run(command(program, prefix, f"-max_total_time={args.seconds}",
                                      f"-max_len={INPUT_MAX}", str(made), str(corpus)),
                              capture_output=True, text=True, timeout=args.seconds + 120)
        fault, count = judge(done, findings, name)
    kept = keep(program, name, made) if args.keep and fault is None else 0
    return name, fault, count, kept


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only")
    args = parser.parse_args()
    args.build = args.build.resolve()
    if not (args.build / "tests" / "fuzz").is_dir():
        parser.error(f"{args.build} has no fuzz targets: meson setup with -Dfuzz=true, then ninja fuzz-targets")
    programs = sorted(p for p in (args.build / "tests" / "fuzz").glob("fuzz_*")
                      if p.is_file() and args.only in (None, p.name.removeprefix("fuzz_")))
    if args.only and not programs:
        parser.error(f"there is no target {args.only} in {args.build}: ninja fuzz-targets builds those of "
                     "tests/fuzz/meson.build")
    sources = sorted(p.stem for p in HERE.glob("fuzz_*.c"))
    missing = [s for s in sources if not args.only and s not in {p.name for p in programs}]
    bad = len(missing)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for n, (name, fault, count, kept) in enumerate(pool.map(lambda p: run(p, args), programs), 1):
            if fault:
                bad += 1
                print("# " + fault.replace("\n", "\n# "))
            more = f", {kept} new in the corpus" if kept else ""
            print(f"{'not ' if fault else ''}ok {n} - {name}: {count} inputs{more}", flush=True)
    for n, name in enumerate(missing, len(programs) + 1):
        print(f"not ok {n} - {name}.c is not in meson.build")
    print(f"1..{len(programs) + len(missing)}")
    return 1 if bad or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
