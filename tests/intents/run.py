#!/usr/bin/env python3
"""Intents on a real node: strategies that were built from the SDK alone call a counting contract once for each of many
numbers, through gates, simulation, signing and sending, while the node reorganises, drops transactions, and the host is
killed and started again. Then the contract has counted each number once, no nonce was left out, and journal and chain
agree row for row. With --storm all troubles come at once, with --hosts several hosts share the keys through a
redis-server that has troubles of its own: see weather.py. Prints TAP.

    run.py HAWSE PLUGIN_DIR ANVIL [--intents N] [--producers N] [--keys N] [--calls N] [--seconds LIMIT] [--seed N]
           [--kills N] [--reorgs N] [--depth N] [--drops N] [--foreign N] [--spikes N] [--empties N]
           [--providers N --proxy PROGRAM] [--hosts N] [--redis N]
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time

from judge import judge
from rig import BLOCK_S, CHAIN_ID, COUNTER, TARGET, Host, Node, Results, end, journal, make_key, until
from weather import COINS, Chain, Providers, Redis

TROUBLES = ("reorgs", "drops", "foreign", "spikes", "empties")
CAP_GWEI = 100
TRIES = 1000000


class Trial(Results):
    def __init__(self, args):
        super().__init__()
        args.hawse, args.plugins, args.anvil = (p.resolve() for p in (args.hawse, args.plugins, args.anvil))
        self.args, self.rng = args, random.Random(args.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-intents-"))
        self.folders = [self.folder / f"host{i}" for i in range(args.hosts)]
        self.names = [f"key{i}" for i in range(args.keys)]
        self.count = args.intents // args.producers * args.producers
        self.hosts, self.redis, self.providers, self.chain = [], None, None, None
        self.mined, self.kills, self.last_words = 0, 0, ""

    def make_keys(self):
        """As many as wanted; the node gives them coins."""
        self.addresses = {}
        for name in self.names:
            self.addresses[name] = make_key(self.args.hawse, self.folder, name)
            self.node.call("anvil_setBalance", self.addresses[name], hex(COINS))

    def instances(self, place):
        """Producers, shared out among the hosts."""
        a, share = self.args, self.count // self.args.producers
        found = {}
        for i in range(place, a.producers, a.hosts):
            found[f"producer{i}"] = {
                "plugin": "org.example.intents", "mode": "live", "grants": ["intent"],
                "settings": {"chain": "local", "account": self.names[i // a.hosts % len(self.names)], "target": TARGET,
                             "first": i * share, "count": share, "at_once": 16, "calls": a.calls, "tries": TRIES},
                "breaker": {"failures": 1000, "pause_ms": 1000},
                "limits": {"local": {"intents_per_day": 1000000, "open_intents": 1000, "assets": {},
                                     "counterparties": {TARGET: {"functions": ["hit(uint256)"]}}}},
            }
        found["ledger"] = {"plugin": "org.hawse.jsonl", "grants": ["outcomes:producer0"], "settings": {"sources": []}}
        found["nosy"] = {"plugin": "org.hawse.jsonl", "settings": {"sources": []}}
        return found

    def config(self, place):
        urls = self.providers.urls if self.providers else [self.node.url]
        more = {} if self.providers else {"ws": self.node.url.replace("http", "ws"), "batch": {"max": 20}}
        config = {
            "hawse": 1, "control": {"socket": "control.sock"},
            "keys": {"dir": str(self.folder / "keys"),
                     "use": {n: {"unlock": f"file:{self.folder / 'pass'}"} for n in self.names}},
            "chains": {"local": {"chain_id": CHAIN_ID, "block_ms": int(BLOCK_S * 1000), "attempt_ms": 500,
                                 "providers": [{"name": f"p{i}", "http": url, "per_second": 0, **more}
                                               for i, url in enumerate(urls)],
                                 "tx": {"confirmations": self.args.depth + 1, "max_gas_price_gwei": CAP_GWEI}}},
            "tx": {"stuck_ms": 3000, "restart_s": 600}, "record": {"file": "capture.hrec"},
            "instances": self.instances(place),
        }
        if self.redis:
            config["nonces"] = {"redis": {"address": "127.0.0.1", "port": self.redis.port, "pause_ms": 8000,
                                          "budget_ms": 250}}  # machines that test are busy: so long may a host
            # that was killed take to come back, with its keys to unlock
        return config

    # ---- the run ----

    def progress(self):
        """Numbers that were confirmed, intents that are open, intents; of all hosts."""
        found = [0, 0, 0]
        for folder in self.folders:
            try:
                with journal(folder) as db:
                    row = db.execute("select coalesce(sum(step = 9 and instance <> 'hawse'), 0), "
                                     "coalesce(sum(ended = 0), 0), count(*) from intent").fetchone()
                    found = [a + b for a, b in zip(found, row)]
            except sqlite3.Error:
                pass
        return found

    def kill_one(self):
        time.sleep(self.rng.random() * 0.5)
        host = self.rng.choice(self.hosts)
        host.kill()
        self.kills += 1
        host.start()

    def run(self):
        a, begin = self.args, time.monotonic()
        step, confirmed = self.count / (a.kills + 1), 0
        for host in self.hosts:
            host.start()
        while time.monotonic() < begin + a.seconds and confirmed < self.count:
            time.sleep(0.2)
            for host in self.hosts:
                if not host.runs():
                    self.check("no host ends by itself", False, host.logs()[-1])
                    return False
            confirmed = self.progress()[0]
            if os.environ.get("VERBOSE"):
                print(f"# {time.monotonic() - begin:.1f} s: {self.progress()}, {self.kills} kills", flush=True)
            if self.kills < a.kills and confirmed >= step * (self.kills + 1):
                self.kill_one()
        self.seconds = time.monotonic() - begin
        self.check(f"{self.count} numbers confirmed, hosts killed {a.kills} times",
                   confirmed >= self.count and self.kills == a.kills,
                   f"{self.progress()}, {self.kills} kills in {self.seconds:.0f} s\n" + self.hosts[0].logs()[-1])
        return True

    def drain(self):
        """Holes are filled when nothing else is to do."""
        for weather in (self.redis, self.providers):
            if weather:
                weather.calm()
        self.chain.calm.set()
        time.sleep(4 * BLOCK_S)
        begin = time.monotonic()
        self.check("nothing is open after the drain", until(lambda: self.progress()[1] == 0, 40, 0.2), self.progress())
        self.notes.append(f"drained in {time.monotonic() - begin:.1f} s")
        time.sleep(4 * BLOCK_S)

    def told(self):
        """(host, run, number) each time that its end was told there."""
        for place, host in enumerate(self.hosts):
            for run, text in enumerate(host.logs()):
                for match in re.finditer(r"(producer\d+)\b.*number ([\d.]+) is step", text):
                    yield (place, run, match.group(1), match.group(2))

    def heard(self):
        """(run, instance, id, end) of what the hosts' sinks wrote down: one that may hear of producer0, and one that may not."""
        for place, host in enumerate(self.hosts):
            for run, text in enumerate(host.logs()):
                for line in re.findall(r'^{"t":"intent.outcome",.*}$', text, re.M):
                    o = json.loads(line)
                    yield ((place, run), o["instance"], o["id"], o["end"])

    def begin(self):
        a = self.args
        self.node = Node(a.anvil, self.folder)
        self.node.call("anvil_setCode", TARGET, COUNTER)
        self.make_keys()
        for _ in range(2 * a.depth + 2):  # what was set by hand must stand below every reorganisation
            self.node.call("evm_mine")
        # threads of their own draw from numbers of their own, so that each does the same again
        self.chain = Chain(self.node, random.Random(a.seed + 1), self.addresses.values(), a.depth,
                           {sort: getattr(a, sort) for sort in TROUBLES})
        if a.providers:
            self.providers = Providers(a.proxy.resolve(), self.node, a.providers, random.Random(a.seed + 2))
        if a.hosts > 1 or a.redis:
            self.redis = Redis(self.folder / "redis", random.Random(a.seed + 3), a.redis)
        for place, folder in enumerate(self.folders):
            folder.mkdir(mode=0o700)
            self.hosts.append(Host(a.hawse, a.plugins, folder, self.config(place)))
        for weather in (self.chain, self.providers, self.redis):
            if weather:
                weather.start()

    def finish(self):
        self.drain()
        codes = [host.stop() for host in self.hosts]
        self.check("hosts stop cleanly", all(code in (0, None) for code in codes), codes)
        self.chain.quit.set()
        self.chain.join()
        self.check("all troubles came", not self.chain.missed() and not self.chain.errors,
                   f"{self.chain.missed()}; {self.chain.errors[:3]}")
        self.notes.append(f"{self.chain.done}, reorganised {self.chain.deepest} deep at most")
        if self.providers:
            self.check("providers broke", self.providers.changes > 0 and not self.providers.errors,
                       self.providers.errors[:3])
            self.notes.append(f"providers: {self.providers.seen}")
        if self.redis:
            self.check("Redis had troubles", sum(self.redis.done.values()) > 0 or not self.args.redis, self.redis.done)
            self.notes.append(f"Redis: {self.redis.done}")
        judge(self, self)

    def main(self):
        try:
            self.begin()
            if self.run():
                self.finish()
        finally:
            for host in self.hosts:
                end(host.process)
            for weather in (self.chain, self.providers, self.redis):
                if weather:
                    weather.quit.set()
            for weather in (self.providers, self.redis):
                if weather:
                    weather.end()
            self.node.stop()
        return self.end()

    def end(self):
        a = self.args
        if self.mined:
            self.notes.insert(0, f"{self.count} numbers of {a.producers} producers, {a.keys} keys, {a.hosts} hosts: "
                                 f"{self.mined} transactions mined in {self.seconds:.1f} s, "
                                 f"{self.count / self.seconds:.0f} numbers/s, {self.kills} kills")
        failed = self.report()
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
    p.add_argument("--proxy", type=pathlib.Path)
    for name, usual in (("intents", 240), ("producers", 8), ("keys", 3), ("kills", 3), ("reorgs", 4), ("depth", 2),
                        ("drops", 4), ("foreign", 0), ("spikes", 0), ("empties", 0), ("providers", 0), ("hosts", 1),
                        ("redis", 0), ("calls", 1), ("seconds", 90), ("seed", 1)):
        p.add_argument(f"--{name}", type=int, default=usual)
    sys.exit(Trial(p.parse_args()).main())
