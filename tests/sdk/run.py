#!/usr/bin/env python3
"""A stranger's plugin: hawse is installed into a folder, probe.c is built against that alone by each compiler and as
C++, and the installed host, which knows nothing of it, runs all of them at once beside a feed. What they say must be
what the sample holds, and the same from each. Prints TAP.

    run.py BUILD
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import report  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parents[1] / "packaging/quickstart/gnosis-sample.ndjson"
SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"  # Swap of Uniswap v3 and Algebra V1
HARD = ["-Wall", "-Wextra", "-Werror", "-Wl,--exclude-libs,ALL"]
COMPILERS = {"gcc": ["-std=c11", *HARD], "clang": ["-std=c11", *HARD],
             "g++": ["-std=c++17", *HARD, "-x", "c++"], "clang++": ["-std=c++17", *HARD, "-x", "c++"], "tcc": ["-Wall"]}
SECONDS, SPEED = 6, 10


def signed(word):
    n = int(word, 16)
    return n - (1 << 256) if n >> 255 else n


def expected():
    """Of the first round: block number to hash, and (block, log index) of the first pool to its data and amounts."""
    lines = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    pool = lines[0]["pools"][0]["address"]
    blocks, logs = {}, {}
    for line in lines[1:]:
        r = line["frame"]["params"]["result"]
        if "parentHash" in r:
            blocks[int(r["number"], 16)] = r["hash"]
        elif r["address"] == pool:
            swap = r["topics"][0] == SWAP
            amounts = (signed(r["data"][2:66]), signed(r["data"][66:130])) if swap else None
            logs[(int(r["blockNumber"], 16), int(r["logIndex"], 16))] = amounts
    return pool, blocks, logs


class Trial:
    def __init__(self, build):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-sdk-"))
        self.build, self.results, self.built = build, [], {}
        self.pool, self.blocks, self.logs = expected()

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-1500:]))

    def install(self):
        done = subprocess.run(["meson", "install", "-C", str(self.build), "--destdir", str(self.folder), "--quiet"],
                              capture_output=True, text=True)
        self.check("it installs", done.returncode == 0, done.stdout + done.stderr)
        config = next(self.folder.rglob("hawse-sdk.pc"))
        env = {**os.environ, "PKG_CONFIG_PATH": str(config.parent), "PKG_CONFIG_SYSROOT_DIR": str(self.folder)}
        self.flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hawse-sdk"], env=env, text=True,
                                    capture_output=True, check=True).stdout.split()
        self.hawse = next(self.folder.rglob("bin/hawse"))
        self.plugins = next(self.folder.rglob("gnosis.so")).parent

    def compile(self):
        for compiler, options in COMPILERS.items():
            name = f"{compiler} builds it against the installed SDK alone"
            if not shutil.which(compiler):
                self.results.append((f"{name} # SKIP not installed", None))
                continue
            out = self.folder / f"probe-{compiler}.so"
            source = shutil.copy(HERE / "probe.c", self.folder)
            done = self.build_one(compiler, options, source, out)
            self.check(name, done.returncode == 0, done.stderr)
            if done.returncode == 0:
                self.built[re.sub(r"\+", "x", compiler)] = (compiler, out)

    def build_one(self, compiler, options, source, out):
        command = [compiler, *options, "-shared", source, "-x", "none", "-o", str(out), *self.flags]
        if compiler == "tcc":  # it knows neither hidden symbols nor stacks: another's linker puts its object together
            unit = self.folder / "probe-tcc.o"
            done = subprocess.run([compiler, *options, *[f for f in self.flags if f[:2] == "-I"], "-c", source, "-o",
                                   str(unit)], capture_output=True, text=True, cwd=self.folder)
            if done.returncode:
                return done
            command = ["gcc", "-shared", "-Wl,--exclude-libs,ALL", "-Wl,-z,noexecstack", str(unit), "-o", str(out),
                       *self.flags]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder)

    def run(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            url = f"127.0.0.1:{s.getsockname()[1]}"
        config = {"hawse": 1, "plugins": {"path": [str(self.plugins)]}, "state_dir": "state", "instances": {
            "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"],
                      "endpoints": {"ws": f"ws://{url}", "http": f"http://{url}"}}}}
        for name, (_, path) in self.built.items():
            config["instances"][name] = {"plugin": str(path), "links": {"chain": "chain"}, "allow": "beta",
                                         "features": {"swaps": True}, "settings": {"pool": self.pool}}
        path = self.folder / "c.json"
        path.write_text(json.dumps(config))
        feed = subprocess.Popen([self.hawse, "feed", str(SAMPLE), "--speed", str(SPEED), "--listen", url],
                                stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        host = subprocess.Popen([self.hawse, "run", str(path), "--strict"], stderr=subprocess.PIPE, text=True)
        time.sleep(SECONDS)
        host.send_signal(signal.SIGTERM)
        text = host.communicate(timeout=10)[1]
        feed.terminate()
        feed.wait()
        self.check("the host that knows nothing of it runs it, and stops with 0", host.returncode == 0, text)
        return text

    def judge(self, text):
        said = {name: re.findall(rf" INFO  {name} +((?:block|log) .*)", text) for name in self.built}
        first = next(iter(said.values()), [])
        for name, (compiler, _) in self.built.items():
            wrong = [line for line in said[name] if not self.true(line)]
            kinds = {line.split()[0] for line in said[name]} | {"swap" for line in said[name] if " swap " in line}
            self.check(f"by {compiler}: blocks, logs and swaps came", kinds == {"block", "log", "swap"}, text)
            self.check(f"by {compiler}: each is what the sample holds", said[name] and not wrong, wrong)
            self.check(f"by {compiler}: all that another one was told", said[name] == first,
                       f"{len(said[name])} lines, {len(first)} by another")

    def true(self, line):
        words = line.split()
        if words[0] == "block":
            return self.blocks.get(int(words[1])) == words[2]
        block, index = (int(n) for n in words[1].split("/"))
        amounts = self.logs.get((block, index), "none")
        return len(words[2]) == 64 and amounts == ((int(words[4]), int(words[5])) if len(words) > 3 else None)


def main():
    trial = Trial(pathlib.Path(sys.argv[1]).resolve())
    try:
        trial.install()
        trial.compile()
        trial.judge(trial.run())
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return 1 if report(trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
