#!/usr/bin/env python3
"""A week of a market: decided in shadow, replayed at maximum speed, then traded live, with the same decisions. Prints TAP.

    week.py HAWSE PLUGIN_DIR ANVIL RIG [--moves N] [--seed N] [--keep FOLDER]

The market is generated: seven days of N moves, each a block in which others bring all pools to new prices. Two days are
volatile, two have thin liquidity, one has outages (the node cannot be reached), two are quiet. At some moves another
trader comes in between, in the block behind it.

What is compared. A decision is which calls the strategy wants made, in which order, as one or one by one, and within
which bounds: every byte of the proposal but times, its running number and the account, whose key is new each time. A move's decision is the first that the
strategy takes on the block of the move, or none. The hash is over all moves and their decisions, in order.

  shadow    the strategy watches the market and signs nothing; recorded
  replay    the plugins again, from that capture, at maximum speed, with no host behind them: all outputs are compared
            byte for byte, and the hash is made anew from what they propose now
  live      the same market on a fresh node; the strategy trades, and its trades move the pools. Others bring each pool to
            the price of the next move all the same (simulated.py), so each move's decision has to be the same
  replay    of the live capture: with all decisions that its own trades led to (more of the same gap, sweeps)

So the hash shows that neither the host's mode, nor time, nor own effects, nor load change what is decided of a market.
Moves while the node cannot be reached have no decision; what is decided while the strategy catches up is of no move.
What own effects lead to between two moves is not in the first hash (in shadow there is none); the second replay has it.
"""
import argparse
import hashlib
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "record"))

from trials import Results, until  # noqa: E402

import capture  # noqa: E402
from arb import E18  # noqa: E402
from simulated import FIRST_DAY, Line, Market, SimulatedBot, SimulatedNode, words  # noqa: E402

DAY = 86400
INTENT_PROPOSE = 32  # of core/record/record.h
# What a day is like: volatility of a day, jumps of it, how far pools lag, company tokens in the spot pool, a part of what
# is usual in the others
DAYS = {"quiet": (0.03, 0, 0.002, 400, 1), "volatile": (0.35, 8, 0.008, 400, 1), "thin": (0.08, 1, 0.006, 25, 5),
        "outages": (0.08, 1, 0.005, 400, 1)}
WEEK = ["quiet", "volatile", "outages", "quiet", "volatile", "thin", "thin"]
ADVERSARIES = 0.06
MORE_BLOCKS = 90  # for what a move's decision leads to: back-off is 64 at most
DEADLINE = {"bc651188": 3, "db3e2198": 4, "52bbbe29": 6}  # which word of a call is a time


def generated(moves, seed):
    """The week: of each move its time, its day, prices of all pools, and whether somebody comes in between."""
    rng = random.Random(seed)
    market, found = Market(rng), []
    outage = set()
    per_day = moves // 7
    for start in range(per_day // 8, per_day, max(1, per_day // 4)):
        outage |= set(range(start, start + max(1, per_day // 24)))
    for number in range(per_day * 7):
        day = WEEK[number // per_day]
        vol, jumps, noise, depth, thinner = DAYS[day]
        market.step(1 / per_day, vol, jumps)
        found.append({"number": number, "at": (number + 1) * 7 * DAY // (per_day * 7), "day": day, "depth": depth,
                      "thinner": thinner, "prices": market.prices(noise),
                      "adversary": rng.random() < ADVERSARIES and day != "outages" and rng.choice(["yes", "no"]),
                      "by": rng.choice([-1, 1]) * rng.uniform(0.002, 0.03),
                      "cut": day == "outages" and number % per_day in outage})
    return found


class Run:
    """The market once, and the strategy before it."""

    def __init__(self, trial, name, mode, keys=None):
        self.o, self.mode = trial.o, mode
        self.folder = trial.folder / name
        self.folder.mkdir()
        self.node = SimulatedNode(self.o.anvil, self.o.rig, self.folder)
        self.node.freeze_fees()
        self.line = Line(self.node.port)
        self.capture = self.folder / "week.hrec"
        self.bot = SimulatedBot(self.o.hawse, self.o.plugins, self.node, self.folder / "bot", mode=mode, capture=self.capture,
                                keys=keys, line=self.line, deadline_s=3600, tip_wei=2 * 10 ** 9, amount="2000",
                                max_bundle_amount="2000", whole_block_ms=1000)
        self.move_of, self.thinner, self.blocks, self.missed = {}, 1, 0, []

    # ---- together with the strategy ----

    def settled(self, seconds=10):
        """It has seen the newest block and decided; what it says then."""
        head, end_at = self.node.head(), time.monotonic() + seconds
        while time.monotonic() < end_at:
            told = self.bot.monitor()
            here = told["ready"] and told["head"] == head
            if here and told["open"] and self.mode == "live":
                return told
            if here and not told["open"] and (not told["undecided"] or told["not_before"] > head):
                return told
            time.sleep(0.003)
        raise RuntimeError(f"the strategy does not come to rest: {told}, block {head}")

    def block(self, seconds=5):
        self.blocks += 1
        return self.node.block(seconds)

    # ---- a move ----

    def thin(self, move):
        """Liquidity of the concentrated pools goes to a part of what it was, or is given back."""
        manager, times = self.node.at["positionManager"], move["thinner"]
        for token in range(1, 13):
            if times > self.thinner:
                raw = self.node.call("eth_call", {"to": manager, "data": "0x99fbab88" + words(token)}, "latest")[2:]
                liquidity = int(raw[6 * 64:7 * 64], 16) * (times - 1) // times
                self.node.send(self.node.others, manager, "0x0c49ccbe" + words(token, liquidity, 0, 0, 2 ** 40))
        self.thinner = times

    def move(self, move):
        for name in ("yes", "no", "predYes", "predNo"):
            self.node.push(name, move["prices"][name])
        if move["thinner"] != self.thinner:
            self.thin(move)
        wanted = self.node.push_spot(move["prices"]["spot"], move["depth"])
        self.node.time = max(self.node.time, FIRST_DAY + move["at"] - 5)
        number = self.block()
        if self.node.spot_balances()[0] != wanted:
            self.missed.append(move["number"])
        if not move["cut"]:
            self.move_of[number] = move["number"]

    def between(self, move):
        """Another trader, ahead of what the strategy sent, if it did."""
        if self.mode == "live":
            until(self.sent, 0.5, 0.005)
        pool = move["adversary"]
        self.node.push(pool, move["prices"][pool] * (1 + move["by"]), 50 * 10 ** 9)
        self.block()

    def sent(self):
        return not self.bot.monitor()["open"] or int(self.node.call("txpool_status")["pending"], 16) > 0

    def come_to_rest(self, told):
        """Blocks, until nothing is under way and a new decision may be taken at once."""
        for _ in range(MORE_BLOCKS if self.mode == "live" else 0):
            if not told["open"] and told["not_before"] <= self.node.head() + 1:
                return
            self.block()
            time.sleep(0.01)
            told = self.settled()

    def one(self, move):
        if move["cut"]:
            if self.line.up:
                self.line.cut()
            self.move(move)
            return
        if not self.line.up:  # what it decides while it catches up is of no move
            self.line.up = True
            self.come_to_rest(self.settled(30))
        self.move(move)
        told = self.settled()
        if move["adversary"]:
            self.between(move)
            told = self.settled()
        self.come_to_rest(told)

    def week(self, moves):
        self.node.manual()
        self.bot.host.start()
        until(lambda: self.block() and "tokens are known" in "".join(self.bot.host.logs()), 20, 0.1)
        until(lambda: self.block() and self.bot.monitor()["ready"], 20, 0.1)
        began = time.monotonic()
        for move in moves:
            self.one(move)
        self.took = time.monotonic() - began
        self.told = self.bot.monitor()
        self.gained = self.node.balance("sdai", self.bot.address) - 20000 * E18
        self.bot.host.stop()

    def end(self):
        if self.bot.host.runs():
            self.bot.host.stop()
        self.line.close()
        self.node.stop()


# ---- decisions ----

def without_times(data):
    word = DEADLINE.get(data[2:10])
    at = 10 + 64 * word if word is not None else len(data)
    return data[:at] + data[at + 64:]


def proposals(path, account):
    """(block, decision) of each proposal of the strategy in a capture."""
    slots = set()
    for fields, raw in capture.chunks(path):
        for kind, slot, record in capture.records(raw) if fields[1] == 1 else ():
            if kind == capture.INSTANCE and capture.instance(record)["id"] == "arb":
                slots.add(slot)
            if kind != capture.CALL or slot not in slots:
                continue
            call, code, _, views = capture.call(record)
            if call != INTENT_PROPOSE or code != 0:
                continue
            body = json.loads(views[0])
            calls = [[c["to"], c["value"], without_times(c["data"])] for c in body["calls"]]
            what = [body["how"], calls, body["flows"], body["max_cost"], body["note"].split(": ")[1]]
            yield int(re.match(r"block (\d+)", body["note"])[1]), json.dumps(what).replace(account[2:].lower(), "account")


def decisions(path, run, count):
    """The first decision on each move's block, or none; and the hash of them."""
    first, every = {}, 0
    for block, what in proposals(path, run.bot.address):
        every += 1
        if block in run.move_of:
            first.setdefault(run.move_of[block], what)
    lines = [f"{n} {first.get(n, '-')}" for n in range(count)]
    return lines, hashlib.sha256("\n".join(lines).encode()).hexdigest(), len(first), every


class Week:
    def __init__(self, options):
        self.o, self.results = options, Results()
        self.folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="hawse-week-"))
        self.folder.mkdir(exist_ok=True)
        self.moves = generated(options.moves, options.seed)

    def replay(self, run):
        """The capture at maximum speed; what the plugins propose now goes into a capture of its own."""
        again = run.folder / "again.hrec"
        done = subprocess.run([str(self.o.hawse), "replay", str(run.capture), "--out", str(again), "--json", "--path",
                               str(self.o.plugins)], capture_output=True, text=True)
        told = json.loads(done.stdout) if done.stdout.startswith("{") else {"same": False, "said": done.stdout + done.stderr}
        self.results.check(f"replay of {run.folder.name}: all outputs are the same, byte for byte", told.get("same"), told)
        took = max(1, told.get("took_ns", 1)) / 1e9
        self.results.notes.append(
            f"replay of {run.folder.name}: {told.get('callbacks', 0)} callbacks, {took:.2f} s: the week is replayed "
            f"{7 * DAY / took:.0f} times as fast as it was")
        return again

    def one(self, name, mode, keys=None):
        run = Run(self, name, mode, keys)
        try:
            run.week(self.moves)
        finally:
            run.end()
        self.results.check(f"{name}: each move left the spot pool as it was meant", not run.missed, run.missed[:9])
        return run

    def report(self, live):
        """What an operator looks at: one page, of which the plots are read here."""
        page = live.folder / "week.html"
        done = subprocess.run([str(self.o.hawse), "report", str(live.capture), "--out", str(page), "--chain-time"],
                              capture_output=True, text=True)
        text = page.read_text() if page.exists() else ""
        figures = dict(re.findall(r"<figcaption>([a-z_]+): .*?</figcaption>(.*?)</figure>", text))
        wanted = ["pectra_profit_sdai_sum", "pectra_bundles_success_total", "pectra_gas_used"]
        if live.told["bundles"]["ended"] > live.told["bundles"]["succeeded"]:
            wanted.append("pectra_errors_total")
        self.results.check("the live week is a page with plots of profit, success, gas and classes of errors",
                           done.returncode == 0 and all(name in figures for name in wanted), done.stderr or sorted(figures))
        if not all(name in figures for name in wanted):
            return
        days = re.findall(r">(\d+) d</text>", figures[wanted[0]])
        self.results.check("its axis goes over the days of the chain", days[:1] == ["0"] and days[-1:] == ["6"], days)
        self.results.check("the line of the profit ends where the account does", self.end_of(figures[wanted[0]], live.gained),
                           figures[wanted[0]][-300:])

    @staticmethod
    def end_of(svg, gained):
        """Is the last point of the line at this amount, by the axis' own labels?"""
        labels = [(float(y) - 4, float(n) * {"": 1, " k": 1e3, " M": 1e6}[unit]) for y, n, unit in re.findall(
            r'class="l" x="\d+" y="([0-9.]+)">(-?[0-9.]+)( k| M|)</text>', svg)]
        (y0, n0), (y1, n1) = labels[0], labels[-1]
        last = float(re.findall(r",([0-9.]+)\"", svg)[-1])
        return abs(n0 + (last - y0) / (y1 - y0) * (n1 - n0) - gained / 1e12) < abs(n1 - n0) / 100

    def run(self):
        count = len(self.moves)
        shadow = self.one("shadow", "shadow")
        again = self.replay(shadow)
        live = self.one("live", "live", shadow.bot)
        live_again = self.replay(live)
        found = {"shadow": decisions(shadow.capture, shadow, count),
                 "shadow, replayed": decisions(again, shadow, count),
                 "live": decisions(live.capture, live, count),
                 "live, replayed": decisions(live_again, live, count)}
        lines = found["shadow"][0]
        for name, (others, digest, some, every) in found.items():
            self.results.notes.append(f"{name}: {count} moves, {some} with a decision, {every} proposals in all: {digest}")
            off = [n for n in range(count) if others[n] != lines[n]]
            self.results.check(f"{name}: the same decision at each move, or none", not off, "\n".join(
                f"{self.moves[n]['day']} {lines[n][:900]}\n  {others[n][:900]}" for n in off[:2]) + f"\n{len(off)}: {off[:40]}")
        for run in (shadow, live):
            self.results.notes.append(f"{run.folder.name}: {count} moves in {run.blocks} blocks, {run.took:.0f} s")
        arm = live.told["bundles"]
        self.results.notes.append(f"live: {arm['succeeded']} of {arm['ended']} bundles succeeded, "
                                  f"{int(arm['gain']) / E18:+.3f} sDAI, {arm['gas_per_cycle']} gas each; "
                                  f"{live.gained / E18:+.3f} sDAI with sweeps")
        self.results.check("it decides at some moves, and not at all", 0 < found["live"][2] < count, found["live"][1:])
        self.results.check("no bundle lost anything", int(arm["gain"]) > 0 and live.gained >= int(arm["gain"]), live.told)
        self.report(live)
        if not self.o.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        return self.results.report()


def main():
    p = argparse.ArgumentParser()
    for name in ("hawse", "plugins", "anvil", "rig"):
        p.add_argument(name)
    p.add_argument("--moves", type=int, default=1008)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", help="captures, logs and the page stay in this folder")
    options = p.parse_args()
    options.hawse, options.plugins = pathlib.Path(options.hawse).resolve(), pathlib.Path(options.plugins).resolve()
    sys.exit(1 if Week(options).run() else 0)


if __name__ == "__main__":
    main()
