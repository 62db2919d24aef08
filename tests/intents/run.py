#!/usr/bin/env python3
"""Intents on a real node: a strategy that was built from the SDK alone calls a counting contract once for each of many
numbers, through gates, simulation, signing and sending, while the node reorganises, drops transactions, and the host is
killed and started again. Then the contract has counted each number once, no nonce was left out, and journal and chain
agree row for row. Prints TAP.

    run.py HAWSE PLUGIN_DIR ANVIL [--intents N] [--producers N] [--keys N] [--kills N] [--reorgs N] [--drops N]
           [--calls N] [--seconds LIMIT] [--seed N]
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from rig import BLOCK_S, CHAIN_ID, CONFIRMATIONS, COUNTER, TARGET, TOTAL, Host, Node, journal, make_key, report


class Miner(threading.Thread):
    """A block every so often, reorganisations and dropped transactions in between."""

    def __init__(self, node, rng, reorgs, drops):
        super().__init__(daemon=True)
        self.node, self.rng, self.quit = node, rng, threading.Event()
        self.reorgs, self.drops = reorgs, drops
        self.done_reorgs, self.done_drops, self.errors = 0, 0, []

    def trouble(self, blocks):
        """Each sort on every sixth block; only when there is something to lose."""
        if blocks % 4 == 2 and self.done_reorgs < self.reorgs and self.blocks_with_some() > 0:
            self.node.call("anvil_reorg", self.rng.randint(1, CONFIRMATIONS - 1), [])
            self.done_reorgs += 1
        if blocks % 2 == 1 and self.done_drops < self.drops:
            pool = self.node.call("txpool_content")["pending"]
            hashes = [tx["hash"] for sender in pool.values() for tx in sender.values()]
            if hashes:
                self.node.call("anvil_dropTransaction", self.rng.choice(hashes))
                self.done_drops += 1

    def blocks_with_some(self):
        return len(self.node.call("eth_getBlockByNumber", "latest", False)["transactions"])

    def run(self):
        blocks = 0
        while not self.quit.wait(BLOCK_S):
            try:
                self.trouble(blocks)
                self.node.call("evm_mine")
            except (OSError, RuntimeError) as e:
                self.errors.append(str(e))
            blocks += 1


class Trial:
    def __init__(self, args):
        args.hawse, args.plugins, args.anvil = (p.resolve() for p in (args.hawse, args.plugins, args.anvil))
        self.args, self.results = args, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-intents-"))
        self.rng = random.Random(args.seed)
        self.names = [f"key{i}" for i in range(args.keys)]

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-2500:]))

    def make_keys(self):
        """As many as wanted; the node gives them coins."""
        self.addresses = {}
        for name in self.names:
            self.addresses[name] = make_key(self.args.hawse, self.folder, name)
            self.node.call("anvil_setBalance", self.addresses[name], hex(10 ** 21))

    def config(self):
        a = self.args
        share = a.intents // a.producers
        instances = {}
        for i in range(a.producers):
            instances[f"producer{i}"] = {
                "plugin": "org.example.intents", "mode": "live", "grants": ["intent"],
                "settings": {"chain": "local", "account": self.names[i % len(self.names)], "target": TARGET,
                             "first": i * share, "count": share, "at_once": 16, "calls": a.calls},
                "limits": {"local": {"intents_per_day": 1000000, "open_intents": 1000, "assets": {},
                                     "counterparties": {TARGET: {"functions": ["hit(uint256)"]}}}},
            }
        return {
            "hawse": 1, "control": {"socket": "control.sock"},
            "keys": {"dir": "keys", "use": {n: {"unlock": f"file:{self.folder / 'pass'}"} for n in self.names}},
            "chains": {"local": {"chain_id": CHAIN_ID, "block_ms": int(BLOCK_S * 1000),
                                 "providers": [{"name": "anvil", "http": self.node.url, "per_second": 0}],
                                 "tx": {"confirmations": CONFIRMATIONS}}},
            "tx": {"stuck_ms": 3000, "restart_s": 600}, "record": {"file": "capture.hrec"},
            "instances": instances,
        }

    # ---- the run ----

    def progress(self):
        try:
            with journal(self.folder) as db:
                return db.execute("select count(*), coalesce(sum(ended), 0) from intent").fetchone()
        except sqlite3.Error:
            return (0, 0)

    def run(self):
        a = self.args
        wanted, begin, kills = a.intents // a.producers * a.producers, time.monotonic(), 0
        step = wanted / (a.kills + 1)
        self.host.start()
        while time.monotonic() < begin + a.seconds:
            time.sleep(0.2)
            if self.host.process.poll() is not None:
                self.check("the host does not end by itself", False, self.host.logs()[-1])
                return
            known, ended = self.progress()
            if kills < a.kills and known >= step * (kills + 1):
                time.sleep(self.rng.random() * 0.5)
                self.host.kill()
                kills += 1
                self.host.start()
            if ended >= wanted:
                break
        self.seconds = time.monotonic() - begin
        self.check(f"{wanted} intents ended, the host killed {a.kills} times", self.progress()[1] >= wanted
                   and kills == a.kills, f"{self.progress()} of {wanted}, {kills} kills in {self.seconds:.0f} s\n"
                   + self.host.logs()[-1])
        time.sleep(4 * BLOCK_S)
        self.drained = self.drain()

    def drain(self):
        """Holes are filled when nothing else is to do."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                with journal(self.folder) as db:
                    if db.execute("select count(*) from intent where ended = 0").fetchone()[0] == 0:
                        return True
            except sqlite3.Error:
                pass
            time.sleep(0.2)
        return False

    # ---- what must be so ----

    def judge(self):
        a = self.args
        count = a.intents // a.producers * a.producers
        with journal(self.folder) as db:
            intents = db.execute("select number, instance, id, step, ended from intent").fetchall()
            attempts = db.execute("select intent, leg, attempt, nonce, sender, hash, state, "
                                  "simulation from attempt").fetchall()
            terminal = db.execute("select intent, count(*) from step where step in (3, 9, 11, 12) group by intent "
                                  "having count(*) <> 1").fetchall()
        confirmed = {n for n, i, _, step, _ in intents if step == 9 and i != "hawse"}
        others = [(i, name, step) for _, i, name, step, _ in intents if step != 9 and i != "hawse"]
        self.check("every intent was confirmed", len(confirmed) == count, f"{len(confirmed)} of {count}: {others[:20]}")
        self.check("every intent has one terminal step", not terminal, terminal[:10])
        numbers = {}
        for number in range(count * a.calls):
            n = self.node.storage("0x" + f"{number:064x}")
            if n != 1:
                numbers[number] = n
        self.check("the contract counted each number once", not numbers, dict(list(numbers.items())[:20]))
        self.check("and nothing else", self.node.storage(TOTAL) == count * a.calls,
                   f"{self.node.storage(TOTAL)} of {count * a.calls}")
        self.judge_chain(attempts)
        self.check("every transaction was simulated", all(len(row[7]) == 64 for row in attempts),
                   [row for row in attempts if len(row[7]) != 64][:5])
        told = self.told()
        twice = {k: v for k, v in told.items() if v > 1}
        self.check("no run told a strategy twice of one end", not twice, list(twice.items())[:10])
        done = subprocess.run([str(a.hawse), "replay", str(self.folder / "capture.hrec")], capture_output=True, text=True,
                              timeout=300, env=self.host.env)
        self.check("the last run replays, intents and all", done.returncode == 0, done.stdout + done.stderr)
        done = subprocess.run([str(a.hawse), "journal", "verify", str(self.folder / "state/journal.db")],
                              capture_output=True, text=True, timeout=120)
        self.check("the journal verifies", done.returncode == 0, done.stdout + done.stderr)

    def judge_chain(self, attempts):
        """Journal and chain, row for row."""
        wrong, mined = [], {}
        by_hash = {row[5]: row for row in attempts}
        head = int(self.node.call("eth_blockNumber"), 16)
        for number in range(head + 1):
            for tx in self.node.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
                row = by_hash.pop(tx["hash"], None)
                if not row or row[4] != tx["from"] or row[3] != int(tx["nonce"], 16) or row[6] != 3:
                    wrong.append(("on chain", tx["hash"], row))
                mined.setdefault(tx["from"], []).append(int(tx["nonce"], 16))
        wrong += [("in the journal", row) for row in by_hash.values() if row[6] in (1, 2, 3)]
        self.check("journal and chain agree row for row", not wrong, wrong[:10])
        gaps = []
        for name, address in self.addresses.items():
            nonces = sorted(mined.get(address.lower(), []))
            if nonces != list(range(len(nonces))):
                gaps.append((name, "not contiguous", nonces[:20]))
            for tag in ("latest", "pending"):
                if int(self.node.call("eth_getTransactionCount", address, tag), 16) != len(nonces):
                    gaps.append((name, tag))
        self.check("no nonce was left out", not gaps, gaps)
        pool = self.node.call("txpool_status")
        self.check("nothing is left in the pool", int(pool["pending"], 16) == int(pool["queued"], 16) == 0, pool)
        self.mined = sum(map(len, mined.values()))

    def told(self):
        """(run, producer, number) to how often its end was told there."""
        told = {}
        for run, text in enumerate(self.host.logs()):
            for match in re.finditer(r"(producer\d+)\b.*number (\d+) is step", text):
                key = (run, match.group(1), match.group(2))
                told[key] = told.get(key, 0) + 1
        return told

    def main(self):
        a = self.args
        self.node = Node(a.anvil, self.folder)
        miner = Miner(self.node, self.rng, a.reorgs, a.drops)
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.make_keys()
            for _ in range(2 * CONFIRMATIONS):  # what was set by hand must stand below every reorganisation
                self.node.call("evm_mine")
            self.host = Host(a.hawse, a.plugins, self.folder, self.config())
            miner.start()
            self.run()
            self.check("the host stops cleanly", self.host.stop() in (0, None), self.host.logs()[-1])
            miner.quit.set()
            miner.join()
            if all(why is None for _, why in self.results):
                self.check("the node reorganised and dropped",
                           (miner.done_reorgs > 0 or not a.reorgs) and (miner.done_drops > 0 or not a.drops)
                           and not miner.errors,
                           f"{miner.done_reorgs} and {miner.done_drops}; {miner.errors[:3]}")
                self.check("nothing is open after the drain", self.drained)
                self.judge()
        finally:
            miner.quit.set()
            if getattr(self, "host", None) and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        return self.report()

    def report(self):
        notes = []
        if getattr(self, "mined", 0):
            notes.append(f"{self.args.intents} intents of {self.args.producers} producers over {self.args.keys} keys: "
                         f"{self.mined} transactions mined in {self.seconds:.1f} s, "
                         f"{self.args.intents / self.seconds:.0f} intents/s")
        failed = report(self.results, notes)
        if failed and os.environ.get("KEEP"):
            print(f"# kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("hawse", type=pathlib.Path)
    p.add_argument("plugins", type=pathlib.Path)
    p.add_argument("anvil", type=pathlib.Path)
    for name, usual in (("intents", 240), ("producers", 8), ("keys", 3), ("kills", 3), ("reorgs", 4), ("drops", 4),
                        ("calls", 1), ("seconds", 90), ("seed", 1)):
        p.add_argument(f"--{name}", type=int, default=usual)
    sys.exit(Trial(p.parse_args()).main())
