#!/usr/bin/env python3
"""Plugins of past releases on the host of today, today's plugins on hosts of the past, and one plugin by every compiler.
Prints TAP; see README.md.

    museum.py check HAWSE       the exhibits: each does what it did, in the recording and live
    museum.py twins HAWSE       today's candles by each compiler at -O0 to -O3: one output hash
    museum.py newest HOST       today's candles, by each compiler, on another release's host
    museum.py collect RELEASE HAWSE   makes the exhibit of a release, from a clean work tree

Owns: folders of its own under the temporary one. Must never: change an exhibit.
"""
import concurrent.futures
import hashlib
import json
import lzma
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import compilers

HERE = pathlib.Path(__file__).resolve().parent
LEVELS = (0, 1, 2, 3)
SECONDS = 1.5  # of a live run: some hundred events and fifty candles each
WORKPLACE = pathlib.Path("/tmp/hawse-museum")  # what is recorded names it, so it names nobody's machine
done = {"count": 0, "failed": 0}


def check(name, good, detail=""):
    done["count"] += 1
    done["failed"] += not good
    if not good:
        print("# " + str(detail)[-1500:].replace("\n", "\n# "))
    print(f"{'ok' if good else 'not ok'} {done['count']} - {name}", flush=True)


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


# ---- building ----

def build_all(folder, levels):
    """{compiler: {level: file}}, two at a time; what fails is told, what is not installed is skipped."""
    made, jobs = {}, {}
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for compiler in compilers.COMMANDS:
            if not compilers.program(compiler):
                done["count"] += 1
                print(f"ok {done['count']} - {compiler} # SKIP not installed")
                continue
            for level in levels:
                out = folder / f"candles-{compiler.replace('+', 'x')}-O{level}.so"
                jobs[compiler, level] = out, threads.submit(compilers.build, compiler, level, compilers.candles(compiler), out)
    for (compiler, level), (out, job) in jobs.items():
        if job.result():
            check(f"{compiler} -O{level} builds it", False, job.result())
        else:
            made.setdefault(compiler, {})[level] = out
    return made


def build_source(folder):
    out = folder / "source.so"
    errors = compilers.build("gcc", 2, HERE / "source.c", out)
    if errors:
        sys.exit(errors)
    return out


# ---- hosts ----

def run_live(hawse, folder, source, twins, capture):
    """One source, and each of the plugins behind it: (exit code, log)."""
    config = {"hawse": 1, "plugins": {"path": [str(folder)]}, "state_dir": str(folder / "state"), "http": None, "control": None,
              "instances": {"source": {"plugin": str(source)}}}
    for name, path in twins.items():
        config["instances"][name] = {"plugin": str(path), "links": {"venue": "source"}}
    (folder / "c.json").write_text(json.dumps(config))
    run = subprocess.Popen([str(hawse), "run", str(folder / "c.json"), "--strict", "--record", str(capture)],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(SECONDS)
    run.send_signal(signal.SIGTERM)
    log = run.communicate(timeout=60)[1]
    return run.returncode, log


def replay(hawse, capture, files):
    """The verdict of a replay with these files in the place of those that were recorded."""
    words = [f"--plugin={name}={path}" for name, path in files.items()]
    run = subprocess.run([str(hawse), "replay", str(capture), *words, "--json"], capture_output=True, text=True, timeout=60)
    try:
        return json.loads(run.stdout)
    except ValueError:
        return {"hash": None, "recorded_hash": "", "text": run.stdout + run.stderr}


def why(hawse, capture, files):
    words = [f"--plugin={name}={path}" for name, path in files.items()]
    return subprocess.run([str(hawse), "replay", str(capture), *words], capture_output=True, text=True, timeout=60).stdout


def live(hawse, folder, source, twins, what):
    """They run, they make candles, and each makes what the next compiler's makes of the same."""
    capture = folder / "live.hrec"
    code, log = run_live(hawse, folder, source, twins, capture)
    check(f"{what}: {len(twins)} run on this host, refused by nothing, and stop with 0", code == 0 and " ERROR " not in log, log)
    files = {"source": source, **twins}
    text = why(hawse, capture, files)
    calls = [int(n) for n in re.findall(r"^  candles-\S+ .*events in +(\d+) calls", text, flags=re.M)]
    check(f"{what}: each made candles", len(calls) == len(twins) and min(calls, default=0) > 40, text)
    names = list(twins)
    turned = {name: twins[names[(i + 1) % len(names)]] for i, name in enumerate(names)}
    result = replay(hawse, capture, {**files, **turned})
    check(f"{what}: what each did live, the next compiler's does too", result["hash"] == result["recorded_hash"],
          why(hawse, capture, {**files, **turned}))


# ---- trials ----

def exhibits():
    return sorted(path.parent for path in HERE.glob("*/exhibit.json"))


def check_exhibit(hawse, folder, exhibit):
    about = json.loads((exhibit / "exhibit.json").read_text())
    release, files = about["release"], {name: exhibit / f["file"] for name, f in about["plugins"].items()}
    wrong = [name for name, f in about["plugins"].items() if digest(files[name]) != f["sha256"]]
    check(f"{release}: {len(files)} files are those of the release", not wrong and digest(exhibit / "recording.hrec") == about["recording"]["sha256"],
          wrong)
    capture = shutil.copy(exhibit / "recording.hrec", folder)
    result = replay(hawse, capture, files)
    check(f"{release}: all give the recorded output hash", result["hash"] == about["recording"]["outputs"],
          why(hawse, capture, files))
    twins = {name: path for name, path in files.items() if name != "source"}
    for name, path in files.items():  # as an operator has them
        os.chmod(shutil.copy(path, folder / path.name), 0o755)
    live(hawse, folder, folder / "source.so", {name: folder / path.name for name, path in twins.items()}, release)


def run_check(hawse, folder):
    check("there are exhibits", exhibits())
    for exhibit in exhibits():
        check_exhibit(hawse, folder, exhibit)


def run_twins(hawse, folder):
    exhibit = exhibits()[-1]
    about = json.loads((exhibit / "exhibit.json").read_text())
    files = {name: exhibit / f["file"] for name, f in about["plugins"].items()}
    capture = shutil.copy(exhibit / "recording.hrec", folder)
    for compiler, by_level in build_all(folder, LEVELS).items():
        hashes = {level: replay(hawse, capture, {**files, "candles-gcc": path})["hash"] for level, path in by_level.items()}
        check(f"{compiler} -O0 to -O3 ({compilers.version(compiler)}): {len(hashes)} files, one output hash",
              len(hashes) == len(LEVELS) and set(hashes.values()) == {about["recording"]["outputs"]}, hashes)
        kit = subprocess.run([str(hawse), "check", str(by_level[2])], capture_output=True, text=True, timeout=120)
        check(f"{compiler} -O2 passes the conformance kit", kit.returncode == 0, kit.stdout + kit.stderr)


def run_newest(hawse, folder):
    twins = {f"candles-{c.replace('+', 'x')}": by_level[2] for c, by_level in build_all(folder, (2,)).items()}
    live(hawse, folder, build_source(folder), twins, "today's candles")


# ---- a new exhibit ----

def git(*words):
    return subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()


def collect(release, hawse):
    sources = ["sdk/include", "sdk/rust", "sdk/examples/candles", "tests/museum/source.c"]
    if git("status", "--porcelain", "--", *(str(compilers.ROOT / s) for s in sources)):
        sys.exit("museum: commit the sources first: the exhibit names them")
    exhibit = HERE / release
    shutil.rmtree(WORKPLACE, ignore_errors=True)
    WORKPLACE.mkdir()
    exhibit.mkdir()
    made = {f"candles-{c.replace('+', 'x')}": (c, by_level[2]) for c, by_level in build_all(WORKPLACE, (2,)).items()}
    made["source"] = "gcc", build_source(WORKPLACE)
    capture = WORKPLACE / "recording.hrec"
    code, log = run_live(hawse, WORKPLACE, made["source"][1], {n: p for n, (_, p) in made.items() if n != "source"}, capture)
    result = replay(hawse, capture, {name: path for name, (_, path) in made.items()})
    if code or result["hash"] != result["recorded_hash"]:
        sys.exit(f"museum: the recording is no good: {log}{result}")
    plugins = {}
    for name, (compiler, path) in made.items():
        shutil.copy(path, exhibit / f"{name}.so")
        source = HERE / "source.c" if name == "source" else compilers.candles(compiler)
        words = [" ".join(w).replace(f"{compilers.ROOT}/", "").replace(str(compilers.ROOT), "$PWD")
                 for w in compilers.command(compiler, 2, source, f"{name}.so")]
        plugins[name] = {"file": f"{name}.so", "sha256": digest(path), "compiler": compilers.version(compiler), "commands": words}
    shutil.copy(capture, exhibit / "recording.hrec")
    about = {"release": release, "commit": git("rev-parse", "HEAD"), "trees": {s: git("rev-parse", f"HEAD:{s}") for s in sources},
             "plugins": plugins, "recording": {"sha256": digest(capture), "outputs": result["hash"], "events": result["events"],
                                               "callbacks": result["callbacks"]}}
    paths = ["hawse.h", "types.h", "service", "space"]
    tar = subprocess.run(["git", "archive", "HEAD", *(f"sdk/include/hawse/{p}" for p in paths)], cwd=compilers.ROOT,
                         capture_output=True, check=True).stdout
    (exhibit / "headers.tar.xz").write_bytes(lzma.compress(tar, preset=9 | lzma.PRESET_EXTREME))
    (exhibit / "exhibit.json").write_text(json.dumps(about, indent=1) + "\n")
    shutil.rmtree(WORKPLACE)
    print(f"museum: {exhibit.relative_to(compilers.ROOT)}: {len(plugins)} files, {result['events']} events")


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "collect":
        return collect(sys.argv[2], pathlib.Path(sys.argv[3]).resolve())
    trials = {"check": run_check, "twins": run_twins, "newest": run_newest}
    if len(sys.argv) != 3 or sys.argv[1] not in trials:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="hawse-museum-") as folder:
        trials[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(folder))
    print(f"1..{done['count']}")
    return 1 if done["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
