#!/usr/bin/env python3
"""`hawse new` as a stranger has it: hawse and its SDK are installed into a folder, and what the installed program
scaffolds is built against that alone, tested, and checked by the conformance kit. Prints TAP.

    new.py BUILD
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import free_port  # noqa: E402

KINDS = ["chain", "venue", "venue of contract", "protocol", "strategy", "sink"]
LANGUAGES = ["c", "cpp"]
COMPILERS = {"c": "gcc", "cpp": "g++", "rust": "gcc rustc"}
IN_RUST = ["chain", "venue", "venue of contract", "protocol", "strategy", "sink"]
WRONG = [(["venue"], "needs a kind and a name"), (["bank", "x"], "no such kind"), (["sink", "x", "--of", "contract"], "no such kind"), (["venue", "No Good"], "no id"),
         (["venue", "../x"], "no id"), (["venue", "x", "--lang", "cobol"], "in that language")]


class Trial:
    def __init__(self, build):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-new-"))
        self.results = []
        done = subprocess.run(["meson", "install", "-C", str(build), "--destdir", str(self.folder / "root"), "--quiet"],
                              capture_output=True, text=True)
        self.check("it installs", done.returncode == 0, done.stdout + done.stderr)
        config = next((self.folder / "root").rglob("hawse-sdk.pc"))
        self.hawse = next((self.folder / "root").rglob("bin/hawse"))
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(config.parent), "HAWSE": str(self.hawse),
                    "PKG_CONFIG_SYSROOT_DIR": str(self.folder / "root"), "CFLAGS": "-O2 -Werror",
                    "CXXFLAGS": "-O2 -Werror"}

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-1500:]))

    def run(self, *words, cwd=None):
        return subprocess.run([*map(str, words)], cwd=cwd or self.folder, env=self.env, text=True, capture_output=True,
                              timeout=120)

    def scaffold(self, kind, language):
        kind, *of = kind.split(" of ")
        of = ["--of", *of] if of else []
        name = "-".join(["my", kind, *of[1:], language])
        kind_words = [kind, f"org.test.{name}", *of, "--lang", language]
        kind = " of ".join([kind, *of[1:]])
        done = self.run(self.hawse, "new", *kind_words)
        at = self.folder / name
        left = [p for p in at.rglob("*") if p.is_file() and any(m in p.read_text() for m in ("@NAME@", "@ID@", "@EXT@"))]
        self.check(f"{kind} in {language}: hawse new writes it, every mark filled in", done.returncode == 0 and not left,
                   done.stderr + str(left))
        for step in ("all", "test", "check"):
            target = [] if step == "all" else [step]
            done = self.run("make", *target, cwd=at)
            self.check(f"{kind} in {language}: make {step}", done.returncode == 0, done.stdout + done.stderr)
        if done.returncode == 0:
            self.check(f"{kind} in {language}: no warnings", ", 0 warnings, 0 failed, 0 crashed" in done.stdout, done.stdout)
        again = self.run(self.hawse, "new", *kind_words)
        self.check(f"{kind} in {language}: what is there is not overwritten", again.returncode == 1, again.stderr)

    def recorded(self, language):
        """A chain as it was scaffolded follows a feed; what it met then is in a recording, which `make check` finds."""
        name, port = f"my-chain-{language}", free_port()
        at, sample = self.folder / name, next((self.folder / "root").rglob("gnosis-sample.ndjson"))
        (at / "run.json").write_text(json.dumps({"hawse": 1, "instances": {"mine": {
            "plugin": f"./{name}.so", "allow": "experimental", "grants": ["net"], "endpoints": {"ws": f"ws://127.0.0.1:{port}"}}}}))
        with open(at / "log", "w+", encoding="utf-8") as log:
            feed = subprocess.Popen([self.hawse, "feed", sample, "--listen", f"127.0.0.1:{port}", "--speed", "20"], stdout=log)
            host = subprocess.Popen([self.hawse, "run", "run.json", "--record", "day.hrec"], cwd=at, stderr=log)
            time.sleep(4)
            host.terminate()
            code = host.wait(20)
            feed.terminate()
            feed.wait(20)
            said = (at / "log").read_text()
        self.check(f"chain in {language}: it follows a feed, in a process of its own", code == 0 and "in a process of its own" in said, said)
        done = self.run("make", "check", cwd=at)
        tried = re.findall(r"^ +(509|510) pass.*events of the recording: (\d+)", done.stdout, flags=re.M)
        self.check(f"chain in {language}: make check plays the recording to it", done.returncode == 0 and len(tried) == 2 and
                   all(int(events) > 3 for _, events in tried), done.stdout[-1500:] + said)

    def workflow(self, kind, language):
        """The file for CI: a runner's YAML, of which every command runs here, but for those that fetch packages."""
        at = self.folder / f"my-{kind}-{language}"
        job = yaml.safe_load((at / ".github/workflows/check.yml").read_text())["jobs"]["check"]
        shims, asked = self.folder / "shims", self.folder / "asked"
        shims.mkdir(exist_ok=True)
        asked.write_text("")
        for name, words in (("apt-get", f'echo "$@" >> {asked}'), ("curl", f'echo "$@" >> {asked}'), ("hawse", f'exec {self.hawse} "$@"')):
            (shims / name).write_text(f"#!/bin/sh\n{words}\n")
            (shims / name).chmod(0o755)
        env = {**self.env, "PATH": f"{shims}:{os.environ['PATH']}"}
        env.pop("HAWSE")
        for step in (s["run"] for s in job["steps"] if "run" in s):
            words = step.replace("${{ vars.HAWSE_PACKAGES }}", "https://example.org/packages")
            done = subprocess.run(["sh", "-e", "-c", words], cwd=at, env=env, text=True, capture_output=True, timeout=120)
            self.check(f"CI of {kind} in {language}: {step.splitlines()[0][:40]}", done.returncode == 0 and "${{" not in words,
                       done.stdout + done.stderr)
        text = asked.read_text()
        self.check(f"CI of {kind} in {language}: the compiler and both packages are fetched",
                   f"make {COMPILERS[language]} pkg-config" in text and "https://example.org/packages/hawse.deb" in text
                   and "./libhawse-sdk-dev.deb" in text, text)
        suite = xml.etree.ElementTree.parse(at / "check.xml").getroot()
        self.check(f"CI of {kind} in {language}: its report is JUnit's", suite.tag == "testsuite" and len(suite) > 100, suite.tag)
        used = [s["uses"] for s in job["steps"] if "uses" in s]
        self.check(f"CI of {kind} in {language}: checks out and keeps the report", [u.split("@")[0] for u in used] ==
                   ["actions/checkout", "actions/upload-artifact"] and job["container"].startswith("debian:"), used)

    def wrong(self):
        for words, text in WRONG:
            done = self.run(self.hawse, "new", *words)
            self.check(f"hawse new {' '.join(words)}: {text}", done.returncode == 2 and text in done.stderr, done.stderr)


def main():
    trial = Trial(pathlib.Path(sys.argv[1]).resolve())
    try:
        for kind in KINDS:
            for language in LANGUAGES:
                trial.scaffold(kind, language)
        for kind in IN_RUST:
            if shutil.which("rustc"):
                trial.scaffold(kind, "rust")
            else:
                trial.results.append((f"{kind} in rust # SKIP rustc is not installed", None))
        for language in LANGUAGES + (["rust"] if shutil.which("rustc") else []):
            trial.workflow("venue", language)
            trial.recorded(language)
        trial.wrong()
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    for n, (name, fault) in enumerate(trial.results, 1):
        if fault is not None:
            print("# " + fault.replace("\n", "\n# "))
        print(f"{'ok' if fault is None else 'not ok'} {n} - {name}")
    print(f"1..{len(trial.results)}")
    return 1 if any(fault is not None for _, fault in trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
