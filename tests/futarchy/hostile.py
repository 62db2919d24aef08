#!/usr/bin/env python3
"""Contracts that lie to the futarchy strategy, on a real node with the market's real contracts. Each attack ends in words that
name it, nothing is signed for it, and the account has what it had. Prints TAP.

    hostile.py HAWSE PLUGIN_DIR ANVIL RIG [--only PART,PART] [--seed N]
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from arb import E18, Bot, Node, Phase, word  # noqa: E402
from trials import Results, until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ("proposals", "pool", "reorg", "crowd", "taking", "boasting", "shouting")
CROWD = 10000
OUTCOME, CONDITION, DECIMALS = "0x18a988a8", "0x2ddc7de7", "0x313ce567"
GLOBAL_STATE = "0xe76c01e4"


class Trial:
    def __init__(self, options):
        self.o, self.results = options, Results()
        self.random = random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-hostile-"))
        self.node = Node(options.anvil, options.rig, self.folder)
        self.node.arm_others()
        self.node.freeze_fees()
        at = self.node.at
        reals = [at["proposal"]] * 8 + [at["company"], at["pools"]["yes"]]
        done = subprocess.run(["node", str(HERE / "hostile.mjs"), self.node.url, *reals], capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr)
        self.made = json.loads(done.stdout)

    def check(self, name, good, detail=""):
        self.results.check(name, good, detail)

    def answer(self, to, data):
        return self.node.call("eth_call", {"to": to, "data": data}, "latest")[2:]

    def lie(self, liar, question, answer):
        """From here on this call of it has this answer (hexadecimal, no prefix)."""
        def tail(text):
            return word(len(text) // 2) + text.ljust(-(-len(text) // 64) * 64, "0")
        question = question[2:]
        first = tail(question)
        self.node.send(self.node.others, liar, "0x4ff9ed38" + word(64) + word(64 + len(first) // 2) + first + tail(answer))

    def code(self, name):
        return self.node.call("eth_getCode", self.made[name], "latest")

    # ---- proposals that lie ----

    def judged(self, name, wanted, **settings):
        """`verify` of a configuration with this in it ends with 1, and with these words."""
        sets = [w for key, value in settings.items() for w in ("--set", f"instances.arb.settings.{key}={value}")]
        done = subprocess.run([str(self.o.hawse), "call", "--config", "hawse.json", "--timeout", "5", *sets, "arb", "verify"],
                              cwd=self.bot.folder, env=self.bot.host.env, capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        self.check(f"{name}: it is named, and verify ends with 1", done.returncode == 1 and re.search(wanted, said, re.I), said)

    def proposals(self):
        node, at, liars = self.node, self.node.at, self.made["liars"]
        self.bot = Bot(self.o.hawse, self.o.plugins, node, self.folder / "bot")
        real = [self.answer(at["proposal"], OUTCOME + word(i)) for i in range(4)]  # (address, bytes)
        node.call("evm_mine")
        sent = node.call("eth_getTransactionCount", self.bot.address, "latest")

        def names(liar, item, token):
            self.lie(liar, OUTCOME + word(item), word(token) + real[item][64:])
        names(liars[0], 2, self.made["BoastingToken"])
        self.judged("an outcome token of its own", f"YES of collateral 2 is {self.made['BoastingToken']}, and the wrapper of its position "
                    f"{at['yesSdai']}", proposal=liars[0])
        names(liars[1], 2, at["sdai"])
        self.judged("sDAI as an outcome", f"names {at['sdai']} as YES of collateral 2 and as collateral 2", proposal=liars[1])
        names(liars[2], 0, at["noCompany"])
        names(liars[2], 1, at["yesCompany"])
        self.judged("YES and NO the other way round", "YES of collateral 1 is .*, and the wrapper", proposal=liars[2])
        self.lie(liars[3], CONDITION, "11" * 32)
        self.judged("the condition of another proposal", "and the wrapper of its position", proposal=liars[3])
        self.lie(liars[4], OUTCOME + word(3), "ff" * 16)
        self.judged("an answer that is too short", r"wrappedOutcome 3 is answered badly", proposal=liars[4])
        self.lie(liars[5], OUTCOME + word(1), real[1][:64] + word(2 ** 255) + real[1][128:])
        self.judged("data that begins far outside", "NO of collateral 1 has no wrapper's data", proposal=liars[5])
        self.lie(liars[6], "0x4d7b0900", word(liars[8]))
        self.lie(liars[8], DECIMALS, word(6))
        self.judged("a collateral of 6 decimals", "collateral 1 .* has 6 decimals, 18 are needed", proposal=liars[6])
        self.lie(liars[7], "0x4d7b0900", "ff" * 32)
        self.judged("a word that is no address", "the proposal's collateral 0 is answered badly", proposal=liars[7])
        self.judged("no contract at all", "is answered badly", proposal="0x00000000000000000000000000000000000000Ff")
        self.judged("a router that is none", r"check_tokens. \d is answered badly", router=at["sdai"])
        now = node.call("eth_getTransactionCount", self.bot.address, "latest")
        self.check("nothing was signed for any of them", now == sent, (sent, now))

    # ---- in a market that is traded ----

    def pool(self):
        """The venue follows a contract that says what the YES pool says, but for its price."""
        node, at, liar = self.node, self.node.at, self.made["liars"][9]
        state = self.answer(at["pools"]["yes"], GLOBAL_STATE)
        self.lie(liar, GLOBAL_STATE, word(int(state[:64], 16) * 11 // 10) + state[64:])
        real = at["pools"]["yes"]
        with self.following("pool", lambda pools: [liar if pool == real else pool for pool in pools]) as p:
            told = until(lambda: node.call("evm_mine") and (p.read() or p.said("the router swaps them in")), 10, 0.1)
            p.check("a pool that lies: it is named, with the right one", told and liar[2:].lower() in told[0] and
                    real[2:].lower() in told[0], told)
        with self.following("pools", lambda pools: [liar, *pools]) as p:
            p.settled(1, 30)
            p.gap()
            p.settled()
            sent = p.real()
            p.check("a pool that lies: the real one is traded, to the wei", sent and all(
                t["good"] and t["gain"] == t["predicted"] for t in sent), sent)

    def following(self, name, change):
        """A phase whose venue follows other pools."""
        p = Phase(self, name)
        config = json.loads((p.bot.folder / "hawse.json").read_text())
        settings = config["instances"]["swapr"]["settings"]
        settings["pools"] = change(settings["pools"])
        (p.bot.folder / "hawse.json").write_text(json.dumps(config))
        return p

    def replaced(self, name, token, code, **settings):
        """A contract of the market gets other code while the strategy runs; who iterates says what happens then."""
        node, at = self.node, self.node.at
        where = at["pools"][token] if token in at["pools"] else at[token]
        right = node.call("eth_getCode", where, "latest")
        with Phase(self, code + "".join(f"-{n}" for n in settings.values()), **settings) as p:
            p.settled(1, 30)
            before, real = node.balance("sdai", p.bot.address), len(p.real())
            node.call("anvil_setCode", where, self.code(code))
            yield p, where
            p.settled()
            held = node.balance("sdai", p.bot.address)
            p.check(f"{name}: nothing of it was sent, and the account has its sDAI", len(p.real()) == real and held >= before,
                    (p.real()[real:], held - before))
            node.call("anvil_setCode", where, right)

    def refused(self, p, name):
        """Another trader makes gaps: what the strategy wants of them its simulations refuse, by that name."""
        for _ in range(2):
            p.gap()
            p.settled()
            self.node.call("evm_mine")
            p.settled()
        why, _ = p.bot.call("analyze-failures")
        p.check(f"{name}: its simulations are refused, and said so", why["failures"] > 0 and all(
            one["class"] == "simulation" and "would fail" in one["reason"] for one in why["last"]), why)

    def taking(self):
        name = "a token that keeps a part"
        tries = {}
        for aggressive in (False, True):
            for p, _ in self.replaced(name, "company", "TakingToken", aggressive_mode=aggressive):
                self.refused(p, name)
                before = len(p.trades)
                for _ in range(10):
                    p.node.call("evm_mine")
                    p.settled()
                tries[aggressive] = len(p.trades) - before
        self.check(f"{name}: it is tried again at fewer and fewer blocks, or (aggressive_mode) at each", tries[False] <= 4 and
                   tries[True] >= 8, tries)

    def boasting(self):
        name = "a token that says everybody has all of it"
        for p, _ in self.replaced(name, "yesSdai", "BoastingToken"):
            self.refused(p, name)

    def shouting(self):
        """Nothing comes after this part: its log stays on the chain."""
        name = "a pool with liquidity that there cannot be"
        for p, where in self.replaced(name, "yes", "ShoutingPool"):
            p.node.send(p.node.others, where, self.node.call("web3_sha3", "0x" + b"shout()".hex())[:10])
            told = until(lambda: self.node.call("evm_mine") and (p.read() or p.said("which there cannot be: it is not traded")), 10, 0.2)
            p.check(f"{name}: it is said", told and "from tick -8388608 to 8388607" in told[0], p.log[-5:])
            p.gap()
            p.settled()
            quote, status = p.bot.call("quote")
            p.check(f"{name}: quote says why there is none", status == 1 and "a conditional pool is not known" in quote.get("why", ""), quote)

    # ---- the chain goes back ----

    def reorg(self):
        """A swap that leaves the chain leaves the quote, too."""
        node = self.node
        p = Phase(self, "reorg")
        config = json.loads((p.bot.folder / "hawse.json").read_text())
        config["instances"]["arb"]["mode"] = "shadow"
        (p.bot.folder / "hawse.json").write_text(json.dumps(config))

        def quote():
            told, _ = p.bot.call("quote", "amount=100")
            flows = [told.get(way) or {} for way in ("buy", "sell")]
            return [{key: n for key, n in flow.items() if key != "net"} for flow in flows] if told.get("ready") else None  # gas differs
        with p:
            p.gap()
            p.settled()
            before = until(quote, 10, 0.2)
            node.spot(True, 8 * E18)
            node.swap("yes", True, 2 * E18)
            moved = until(lambda: (q := quote()) != before and q, 10, 0.2)
            p.check("a reorganisation: what others did is in the quote", moved, (before, moved))
            node.call("anvil_reorg", 2, [])
            node.call("evm_mine")
            after = until(lambda: quote() == before, 15, 0.2)
            p.check("a reorganisation: what left the chain has left the quote, to the wei", after, (before, quote()))

    # ---- a crowd ----

    def crowd(self):
        """Ten thousand proposals of one factory: those that are named are told, what does not fit is said once."""
        node, crowd = self.node, self.made["Crowd"]
        p = Phase(self, "crowd")
        config = json.loads((p.bot.folder / "hawse.json").read_text())
        config["instances"]["proposals"]["settings"]["factory"] = crowd
        (p.bot.folder / "hawse.json").write_text(json.dumps(config))
        announce = self.node.call("web3_sha3", "0x" + b"announce(uint256,uint256)".hex())[:10]
        with p:
            before = self.memory(p)
            for start in range(0, CROWD, 1000):
                node.call("eth_sendTransaction", {"from": node.others, "to": crowd, "data": announce + word(start) + word(1000),
                                                  "gas": hex(29_000_000), "maxFeePerGas": hex(10 ** 11)})
            said = until(lambda: p.read() or p.said("more than 256 proposals"), 20, 0.2)
            p.check("a crowd: that not all are followed is said once, with what to do", said and len(p.said("more than 256 proposals")) == 1 and
                    'name those that matter in "proposals"' in said[0], p.log[-5:])
            time.sleep(3)
            p.read()
            lines = [line for line in p.log if " proposals " in line]
            p.check("a crowd: it is no crowd of lines in the log", len(lines) < 30, (len(lines), lines[-3:]))
            p.check("a crowd: memory stays as it was, all but 16 MiB", self.memory(p) - before < 16 << 20, (before, self.memory(p)))
            p.gap()
            p.settled()
            p.check("a crowd: the market is traded on", any(t["good"] for t in p.real()), p.trades)

    def memory(self, p):
        """Resident bytes of the host and its workers."""
        total = 0
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(folder.name) == p.bot.host.process.pid or int(stat[1]) == p.bot.host.process.pid:
                    total += int((folder / "statm").read_text().split()[1]) * 4096
            except OSError:
                pass
        return total

    def run(self):
        began = time.monotonic()
        try:
            for name in PARTS:
                if name in self.o.only:
                    getattr(self, name)()
        finally:
            self.node.stop()
        self.results.notes.append(f"{time.monotonic() - began:.0f} s")
        return self.results.report()


def main():
    p = argparse.ArgumentParser()
    for name in ("hawse", "plugins", "anvil", "rig"):
        p.add_argument(name)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", default=",".join(PARTS), type=lambda text: text.split(","), help="which parts")
    options = p.parse_args()
    options.hawse, options.plugins = pathlib.Path(options.hawse).resolve(), pathlib.Path(options.plugins).resolve()
    sys.exit(1 if Trial(options).run() else 0)


if __name__ == "__main__":
    main()
