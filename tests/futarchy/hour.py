#!/usr/bin/env python3
"""Bundles beside single transactions in an hour of a market, at 60 times its speed. Prints TAP.

    hour.py HAWSE PLUGIN_DIR ANVIL RIG [--blocks N] [--seed N]

720 blocks of five seconds in a minute. Fees of the pools move as they do, prices walk and jump, others trade between two
transactions of a sequence, and the strategy takes both ways in turns ("execution": "both"). At the end `ab-report` is
held against sums of the chain's own receipts: the journal says which transaction was of which trade, nothing else.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import Results, until  # noqa: E402

from arb import E18, TOKENS  # noqa: E402
from simulated import Market, SimulatedBot, SimulatedNode, moved, spent  # noqa: E402

BLOCK_S, SPEED = 5, 60
DAYS = BLOCK_S / 86400
DEPTH = 400  # company tokens of the spot pool, at a price of 100


class Hour:
    def __init__(self, options):
        self.o, self.results = options, Results()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-hour-"))
        self.node = SimulatedNode(options.anvil, options.rig, self.folder)
        self.random = random.Random(options.seed)
        self.market = Market(self.random)
        self.bot = SimulatedBot(options.hawse, options.plugins, self.node, self.folder / "bot", execution="both",
                                slippage_ppm=3000, deadline_s=3600, tip_wei=2 * 10 ** 9)
        self.resumed = 0

    # ---- the hour ----

    def move(self):
        """Someone trades, in a part of the pools: the others stay behind."""
        r = self.random
        prices = self.market.prices(0.004)
        for name in ("yes", "no", "predYes", "predNo"):
            if r.random() < 0.5:
                self.node.push(name, prices[name])
        if r.random() < 0.5:
            self.node.push_spot(prices["spot"], DEPTH)

    def run_blocks(self):
        began, late = time.monotonic(), 0.0
        for number in range(self.o.blocks):
            self.market.step(DAYS, 0.6, 40)
            if self.random.random() < 1 / 10:
                self.move()
            self.node.block(BLOCK_S)
            if number % 24 == 23 and self.bot.monitor()["rolled_back"]:
                self.bot.control.verb("arb", "resume")  # a sequence that lost took bundles out of use: the operator's part
                self.resumed += 1
            ahead = began + (number + 1) * BLOCK_S / SPEED - time.monotonic()
            late = max(late, -ahead)
            time.sleep(max(0, ahead))
        return time.monotonic() - began, late

    def settle(self):
        """Until nothing is under way; nobody moves the market any more."""
        for _ in range(80):
            told = self.bot.monitor()
            if not told["open"] and told["head"] == self.node.head():
                time.sleep(0.2)
                if not self.bot.monitor()["open"]:
                    return
            self.node.block(BLOCK_S)
            time.sleep(0.1)

    # ---- what the chain says ----

    def trades(self):
        """By the journal: of each trade that was sent its arm, its calls, its transactions, and how long it took."""
        done = subprocess.run([str(self.o.hawse), "journal", "export", str(self.bot.folder / "state")],
                              capture_output=True, text=True, check=True)
        trades = {}
        for row in map(json.loads, done.stdout.splitlines()):
            if row["kind"] == "intent":
                trades[row["intent"]] = {"how": row["body"]["how"], "calls": len(row["body"]["calls"]), "hashes": [],
                                         "cycle": "conditionals" in row["body"]["note"], "at": int(row["utc_ns"]), "in": 0}
            elif row["kind"] == "attempt":
                trades[row["intent"]]["hashes"].append(row["data"]["hash"].lower())
            elif row.get("step") == "INCLUDED":
                trades[row["intent"]]["in"] = int(row["utc_ns"])
        return [t for t in trades.values() if t["hashes"]]

    def sums(self, first):
        """Of each arm, from receipts."""
        sent = {tx["hash"].lower(): receipt for tx, receipt, _ in self.node.receipts(self.bot.address, first, self.node.head())}
        arms = {arm: {"ended": 0, "succeeded": 0, "gas": 0, "gain": 0, "delay": 0, "volume": 0} for arm in ("bundle", "each")}
        used, left = set(), dict.fromkeys(TOKENS[1:], 0)
        for trade in self.trades():
            mined = [sent[h] for h in trade["hashes"] if h in sent]
            used |= {r["transactionHash"] for r in mined}
            gain = {token: sum(moved(r, self.node.at[token], self.bot.address) for r in mined) for token in TOKENS}
            tidies, arm = not trade["cycle"] and any(left.values()), arms[trade["how"]]
            if trade["cycle"] or tidies:
                arm["gain"] += gain["sdai"]  # what a sequence left half way is sold again: that is of its arm as well
            whole = len(mined) == (1 if trade["how"] == "bundle" else trade["calls"])
            good = whole and all(r["status"] == "0x1" for r in mined)
            if not (trade["cycle"] and good):
                left = {token: max(0, n + gain[token]) for token, n in left.items()}
            if not trade["cycle"]:
                continue
            arm["ended"] += 1
            arm["succeeded"] += good
            if good:
                arm["gas"] += sum(int(r["gasUsed"], 16) for r in mined)
                arm["delay"] += trade["in"] - trade["at"]
                arm["volume"] += sum(spent(r, self.node.at["sdai"], self.bot.address) for r in mined)
        self.results.check("each transaction of the account is of a trade that the journal knows", used == set(sent),
                           [(sent[h]["blockNumber"], sent[h]["to"]) for h in set(sent) - used])
        return arms

    def judge(self, told, arms):
        check, note = self.results.check, self.results.notes.append
        for name, arm in (("bundles", arms["bundle"]), ("one_by_one", arms["each"])):
            said = told[name]
            check(f"{name}: as many ended and succeeded as the chain says",
                  (said["ended"], said["succeeded"]) == (arm["ended"], arm["succeeded"]), (said, arm))
            check(f"{name}: gained to the wei what the receipts say", int(said["gain"]) == arm["gain"], (said, arm))
            check(f"{name}: took the gas that the receipts say", said["gas"] == arm["gas"], (said, arm))
            delay = arm["delay"] / max(1, arm["succeeded"]) / 1e6
            check(f"{name}: took as long as the journal says, to 50 ms", abs(said["delay_ms"] - delay) < 50, (said, delay))
            note(f"{name}: {arm['succeeded']} of {arm['ended']} cycles succeeded, {arm['gain'] / E18:+.3f} sDAI, "
                 f"{arm['gas'] // max(1, arm['succeeded'])} gas and {delay:.0f} ms to the block each")
        enough = self.o.blocks // 72
        check("both arms were tried often enough to be compared", min(a["ended"] for a in arms.values()) >= enough, arms)
        per = [a["gas"] / max(1, a["succeeded"]) for a in (arms["bundle"], arms["each"])]
        check("a bundle that succeeds takes at least 15 % less gas", 0 < per[0] <= 0.85 * per[1], per)
        volume, gains = ([arms[a][what] for a in ("bundle", "each")] for what in ("volume", "gain"))
        share = 100 * volume[0] / max(1, sum(volume))
        note(f"P78 volume by bundles: {share:.0f} % of {sum(volume) / E18:.0f} sDAI, with both ways in turns (bar 50)")
        note(f"P79 gained by bundles {gains[0] / E18:+.3f} sDAI, one by one {gains[1] / E18:+.3f} (bar: not less)")
        check("bundles gain at least what sequences do (P79)", gains[0] >= gains[1], gains)
        check("no bundle lost anything: it succeeds as a whole, or reverts", arms["bundle"]["gain"] >= 0, arms)

    def run(self):
        try:
            self.node.manual()
            first = self.node.block() + 1  # what made the account ready is in it
            self.bot.host.start()
            until(lambda: self.node.block(BLOCK_S) and "tokens are known" in "".join(self.bot.host.logs()), 20, 0.1)
            took, late = self.run_blocks()
            self.settle()
            told = self.bot.control.verb("arb", "ab-report")
            self.results.notes.append(
                f"{self.o.blocks} blocks, {self.o.blocks * BLOCK_S / 60:.0f} minutes, in {took:.1f} s "
                f"({self.o.blocks * BLOCK_S / took:.0f} times); at most {1000 * late:.0f} ms late; bundles were put into "
                f"use again {self.resumed} times after a sequence that lost")
            self.judge(told, self.sums(first))
        finally:
            self.bot.host.stop()
            self.node.stop()
        return self.results.report()


def main():
    p = argparse.ArgumentParser()
    for name in ("hawse", "plugins", "anvil", "rig"):
        p.add_argument(name)
    p.add_argument("--blocks", type=int, default=720)
    p.add_argument("--seed", type=int, default=1)
    options = p.parse_args()
    options.hawse, options.plugins = pathlib.Path(options.hawse).resolve(), pathlib.Path(options.plugins).resolve()
    sys.exit(1 if Hour(options).run() else 0)


if __name__ == "__main__":
    main()
