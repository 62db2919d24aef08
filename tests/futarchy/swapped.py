#!/usr/bin/env python3
"""Other builds of the strategy and of both its venues take over while it trades (`hawse reload`), again and again. Prints TAP.

    swapped.py HAWSE PLUGIN_DIR ANVIL RIG [--markets N] [--seed N]

What must hold is what arb.py holds a strategy against that is left alone: in planted markets what it sends is what exact
mathematics gives for the chain's state at the block of its decision, one by one its gains are what was predicted, the sums of
gains are what the account has more, and no trade ends without its result.
"""
import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import threading
import time

from arb import NAMED, Phase, Trial

EVERY_S = 0.4
PLUGINS = {"arb": "futarchy-arb", "swapr": "swapr", "balancer": "balancer"}


class Swapper(threading.Thread):
    """Exchanges one after the other, by two builds of each that differ behind their end."""

    def __init__(self, phase):
        super().__init__(daemon=True)
        self.bot, self.over, self.done, self.wrong = phase.bot, threading.Event(), dict.fromkeys(PLUGINS, 0), []
        self.longest_us = 0
        self.files, digests = {}, []
        for instance, name in PLUGINS.items():
            build = (phase.o.plugins / f"{name}.so").read_bytes()
            for n in (0, 1):
                path = self.bot.folder / f"{name}-{n}.so"
                path.write_bytes(build + str(n).encode())
                path.chmod(0o755)
                self.files[instance, n] = path
                digests.append("sha256:" + hashlib.sha256(path.read_bytes()).hexdigest())
        path = self.bot.folder / "hawse.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "plugins": {"trusted": digests}}))

    def run(self):
        turn = 0
        while not self.over.wait(EVERY_S):
            instance = list(PLUGINS)[turn % len(PLUGINS)]
            self.exchange(instance, turn // len(PLUGINS) % 2)
            turn += 1

    def exchange(self, instance, n):
        done = subprocess.run([self.bot.host.command[0], "reload", instance, "--plugin", self.files[instance, n], "--allow-diff", "any",
                               "--limit", "1000", "--json", "--socket", self.bot.folder / "control.sock"],
                              capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            self.wrong.append(f"{instance}: {done.stderr}")
            return
        self.done[instance] += 1
        self.longest_us = max(self.longest_us, json.loads(done.stdout)["pause_us"])

    def end(self):
        self.over.set()
        self.join(60)


class Swapped(Trial):
    def phase(self, name, **settings):
        phase = Phase(self, name, **settings)
        self.swapper = Swapper(phase)
        return phase

    def judge(self, p, what):
        s = self.swapper
        s.end()
        counts = ", ".join(f"{n} of {instance}" for instance, n in s.done.items())
        self.results.notes.append(f"{what}: {counts} exchanged, events waited for {s.longest_us} us at most")
        p.check(f"{what}: each swap goes through, and there were some of each", not s.wrong and all(s.done.values()), s.wrong[:3])
        p.judge_sum()
        p.check(f"{what}: every trade has its result", len(p.trades) == len(p.decided), (len(p.trades), len(p.decided)))
        p.check(f"{what}: nothing failed because of it", not p.said("rolled back") and not p.said("HEAL"), "")

    def planted(self):
        began = time.monotonic()
        with self.phase("swapped", simulation_slippage_ppm=0) as p:
            self.swapper.start()
            p.planted(NAMED)
            p.judge_planted(len(NAMED), time.monotonic() - began)
            self.judge(p, "planted")

    def singles(self):
        began = time.monotonic()
        with self.phase("one-by-one", execution="sequential") as p:
            self.swapper.start()
            before = len(p.trades)  # in the market that it found, with nothing exchanged yet
            p.markets(self.o.markets, 1)
            every, p.trades = p.trades, p.trades[before:]
            p.judge_markets(self.o.markets, "one by one", time.monotonic() - began)
            p.trades = every
            self.judge(p, "one by one")

    def run(self):
        try:
            self.node.freeze_fees()
            self.singles()
            self.planted()
        finally:
            self.node.stop()
        return self.results.report()


def main():
    p = argparse.ArgumentParser()
    for name in ("hawse", "plugins", "anvil", "rig"):
        p.add_argument(name)
    p.add_argument("--markets", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    options = p.parse_args()
    options.hawse, options.plugins = pathlib.Path(options.hawse).resolve(), pathlib.Path(options.plugins).resolve()
    sys.exit(1 if Swapped(options).run() else 0)


if __name__ == "__main__":
    main()
