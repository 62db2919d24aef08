#!/usr/bin/env python3
"""The futarchy strategy on a real node with the market's real contracts: randomised markets, and others who trade
between its decision and its block. Prints TAP.

    arb.py HAWSE PLUGIN_DIR ANVIL RIG [--markets N] [--adversaries N] [--planted N] [--seed N] [--only PART,PART] [--full]

RIG is a command that puts the market on the node whose URL it gets, prints its addresses as a line of JSON, and then takes
orders (rig.mjs --serve). Planted markets are its four named ones, with gaps both ways, and so many of seeds.

What must hold. When nothing moves in between, a trade gains to the wei what was predicted. Whoever trades in between, a
bundle gains what its guard says, or reverts. Nothing is sent that does not gain after gas. In planted markets all of that is
held against model.py, which knows nothing of the strategy: what it sends is what exact mathematics gives for the chain's
state at the block of the decision, and where mathematics says that there is enough, it trades.
"""
import argparse
import json
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from mirror import LEGS, Mirror  # noqa: E402
from model import best, WAYS  # noqa: E402
from trials import Host, Results, end, free_port, until  # noqa: E402

E18 = 10 ** 18
CHAIN_ID = 100
MAX = "f" * 64
TOKENS = ["sdai", "company", "yesSdai", "noSdai", "yesCompany", "noCompany"]
POOLS = {"yes": ("yesCompany", "yesSdai"), "no": ("noCompany", "noSdai"), "predYes": ("yesSdai", "sdai"),
         "predNo": ("noSdai", "sdai")}
MIN_PROFIT = E18 // 1000
ENDED = re.compile(r"trade (\d+) (succeeded|failed|withdrawn) \((\w+)\): gain (-?\d+) wei, predicted (-?\d+), gas (\d+)(?:, (-?\d+) ppm)?")
DECIDED = re.compile(r"trade (\d+): (buy|sell|sweep|recover), block (\d+), (one bundle|one by one).* gain (-?\d+) wei; company (\d+) wei")
NAMED = [{"do": "scenario", "name": name, "gap": gap} for name in ("normal", "volatile", "thin", "large") for gap in (0.06, -0.06)]


def word(value):
    if isinstance(value, str):
        return value[2:].lower().rjust(64, "0")
    return f"{value % 2 ** 256:064x}"


class Node:
    """anvil, with the market on it."""

    def __init__(self, program, rig, folder, *extra):
        self.port, self.folder = free_port(), folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [str(program), "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--hardfork", "prague", "--silent",
             "--prune-history", "256", *extra],  # states of old blocks would go to disk, gigabytes of them
            stdout=open(folder / "anvil.log", "w"), stderr=subprocess.STDOUT)
        until(self.answers, 20)
        self.rig = subprocess.Popen([*shlex.split(rig), self.url, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=open(folder / "rig.log", "w"), text=True)
        self.at = self.rig_says()
        self.others = self.at["deployer"]["address"]
        self.call("anvil_impersonateAccount", self.others)

    def rig_says(self):
        line = self.rig.stdout.readline()
        if not line:
            raise RuntimeError(f"the rig ended: {(self.folder / 'rig.log').read_text()}")
        return json.loads(line)

    def plant(self, order):
        """An order to the rig; what it says of the market."""
        self.rig.stdin.write(json.dumps(order) + "\n")
        self.rig.stdin.flush()
        answer = self.rig_says()
        if "error" in answer:
            raise RuntimeError(f"{order}: {answer['error']}")
        return answer["ok"]

    def stop(self):
        end(self.rig)
        self.process.terminate()  # killed, it leaves its files behind
        until(lambda: self.process.poll() is not None, 5)
        end(self.process)

    def answers(self):
        try:
            return self.call("eth_chainId")
        except OSError:
            return None

    def call(self, method, *params):
        return self.batch([(method, *params)])[0]

    def batch(self, asked):
        """Several questions (method, parameters ...) at once; their answers in order."""
        body = json.dumps([{"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                           for i, (method, *params) in enumerate(asked)]).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        answers = sorted(json.load(urllib.request.urlopen(request, timeout=60)), key=lambda one: one["id"])
        for (method, *_), answer in zip(asked, answers):
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
        return [answer["result"] for answer in answers]

    def send(self, sender, to, data, tip=2 * 10 ** 9):
        return self.call("eth_sendTransaction", {"from": sender, "to": to, "data": data, "gas": hex(3000000),
                                                 "maxPriorityFeePerGas": hex(tip), "maxFeePerGas": hex(10 ** 11)})

    def view(self, to, data):
        return int(self.call("eth_call", {"to": to, "data": data}, "latest"), 16)

    def balance(self, token, owner):
        return self.view(self.at[token], "0x70a08231" + word(owner))

    def approve(self, sender, token, spender):
        self.send(sender, self.at[token], "0x095ea7b3" + word(self.at[spender]) + MAX)

    def head(self):
        return int(self.call("eth_blockNumber"), 16)

    # ---- others ----

    def swap(self, pool, base_in, amount, tip=2 * 10 ** 9):
        """Of another trader, in one of the concentrated pools."""
        pair = POOLS[pool] if base_in else POOLS[pool][::-1]
        return self.send(self.others, self.at["swapRouter"], "0xbc651188" + word(self.at[pair[0]]) + word(self.at[pair[1]]) +
                         word(self.others) + word(2 ** 40) + word(amount) + word(0) + word(0), tip)

    def spot(self, company_in, amount, tip=2 * 10 ** 9):
        tokens = ("company", "sdai") if company_in else ("sdai", "company")
        return self.send(self.others, self.at["balancerVault"], "0x52bbbe29" + word(0xe0) + word(self.others) + word(0) +
                         word(self.others) + word(0) + word(0) + word(2 ** 40) + self.at["weightedPoolId"][2:] + word(0) +
                         word(self.at[tokens[0]]) + word(self.at[tokens[1]]) + word(amount) + word(0xc0) + word(0), tip)

    def freeze_fees(self):
        """Fees of the concentrated pools stay as they are from here on, whatever time passes."""
        for pool in self.at["pools"].values():
            operator = "0x" + self.call("eth_call", {"to": pool, "data": "0x29047dfa"}, "latest")[26:]
            # changeFeeConfiguration((alpha1, alpha2, beta1, beta2, gamma1, gamma2, volumeBeta, volumeGamma, baseFee))
            self.send(self.others, operator, "0x1c7004cb" + "".join(word(n) for n in (0, 0, 0, 0, 1, 1, 0, 1, 300)))

    def arm_others(self):
        """What others need to trade for hours: tokens of each kind, and allowances."""
        for token in TOKENS[:2]:
            self.send(self.others, self.at[token], "0x40c10f19" + word(self.others) + word(10 ** 6 * E18))
            for spender in ("futarchyRouter", "balancerVault", "swapRouter"):
                self.approve(self.others, token, spender)
            self.send(self.others, self.at["futarchyRouter"],
                      "0xd5f82280" + word(self.at["proposal"]) + word(self.at[token]) + word(4 * 10 ** 5 * E18))
        for token in TOKENS[2:]:
            self.approve(self.others, token, "swapRouter")


class Bot:
    """hawse with the strategy, and what its log says."""

    def __init__(self, hawse, plugins, node, folder, **settings):
        self.node, self.folder, self.http = node, folder, free_port()
        folder.mkdir(exist_ok=True)
        self.address = self.make_key(hawse)
        self.fund()
        self.host = Host(hawse, plugins, folder, json.dumps(self.config(settings), indent=1))
        self.read_to = 0

    def make_key(self, hawse):
        (self.folder / "pass").write_text("round and round\n")
        (self.folder / "pass").chmod(0o600)
        done = subprocess.run([str(hawse), "keys", "new", "bot", "--dir", str(self.folder / "keys"), "--cost", "interactive",
                               "--passphrase-file", str(self.folder / "pass"), "--json"], capture_output=True, text=True)
        found = re.search(r"0x[0-9a-fA-F]{40}", done.stdout)
        if not found:
            raise RuntimeError(done.stdout + done.stderr)
        return found.group(0)

    def fund(self):
        node, me = self.node, self.address
        node.call("anvil_setBalance", me, hex(10 ** 22))
        node.send(node.others, node.at["sdai"], "0x40c10f19" + word(me) + word(20000 * E18))
        node.call("anvil_impersonateAccount", me)
        for token in TOKENS:
            node.approve(me, token, "futarchyRouter")
            if token in TOKENS[2:]:
                node.approve(me, token, "swapRouter")
            else:
                node.approve(me, token, "balancerVault")
        node.call("anvil_stopImpersonatingAccount", me)

    def config(self, settings):
        at, url = self.node.at, self.node.url
        swaps = ["exactInputSingle((address,address,address,uint256,uint256,uint256,uint160))",
                 "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"]
        code = bytes.fromhex(self.node.call("eth_getCode", at["executor"], "latest")[2:])
        assert code
        return {
            "hawse": 1, "control": {"socket": "control.sock"}, "http": {"listen": f"127.0.0.1:{self.http}"},
            "keys": {"dir": "keys", "use": {"bot": {"unlock": f"file:{self.folder / 'pass'}"}}},
            "chains": {"gnosis": {
                "chain_id": CHAIN_ID, "block_ms": 1000,
                "providers": [{"name": "anvil", "http": url, "ws": url.replace("http", "ws"), "per_second": 0}],
                "tx": {"confirmations": 1, "max_gas_price_gwei": 100,
                       "executor": {"address": at["executor"], "call": "execute10"}}}},
            "instances": {
                "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"],
                          "endpoints": {"ws": {"url": url.replace("http", "ws")}, "http": url}},
                "swapr": {"plugin": "org.hawse.swapr", "links": {"chain": "chain"}, "grants": ["rpc"],
                          "settings": {"pools": list(at["pools"].values())}},
                "balancer": {"plugin": "org.hawse.balancer", "links": {"chain": "chain"}, "grants": ["rpc"],
                             "settings": {"vault": at["balancerVault"],
                                          "pools": [{"id": at["weightedPoolId"], "kind": "weighted"}]}},
                "proposals": {"plugin": "org.hawse.futarchy", "allow": "beta", "links": {"chain": "chain"}, "grants": ["rpc"],
                              "settings": {"proposals": [at["proposal"]], "conditional_tokens": at["conditionalTokens"]}},
                "arb": {
                    "plugin": "org.hawse.futarchy-arb", "mode": "live", "allow": "beta", "grants": ["intent", "rpc"],
                    "links": {"chain": "chain", "swapr": "swapr", "balancer": "balancer", "futarchy": "proposals"}, "breaker": {"failures": 1000},
                    "settings": {
                        "chain": "gnosis", "account": "bot", "address": self.address, "proposal": at["proposal"],
                        "router": at["futarchyRouter"], "swap_router": at["swapRouter"], "quoter": at["quoter"],
                        "vault": at["balancerVault"], "spot_pool": at["weightedPoolId"], "sdai": at["sdai"],
                        "executor": at["executor"], "tick_unit": 60, "test_mode": False, "amount": "1500",
                        "max_bundle_amount": "1500", "liquidation_enabled": True, "execution": "bundled",
                        "breaker_failures": 1000, "rollback_ppm": 1000000, "safe_interval_s": 0, **settings},
                    "limits": {"gnosis": {
                        "intents_per_day": 1000000, "open_intents": 4, "canary_percent": "100", "code": [at["executor"]],
                        "assets": {t: {"address": at[t], "decimals": 18, "per_intent": "1000000", "per_day": "100000000"}
                                   for t in TOKENS},
                        "counterparties": {
                            at["futarchyRouter"]: {"functions": ["splitPosition(address,address,uint256)",
                                                                 "mergePositions(address,address,uint256)"]},
                            at["swapRouter"]: {"functions": swaps},
                            at["balancerVault"]: {"functions": ["0x52bbbe29"]}}}}}},
        }

    def call(self, verb, *words):
        """What a verb answers as JSON, and its exit status."""
        done = subprocess.run([*self.host.command[:1], "call", "arb", verb, *words, "--json", "--socket",
                               str(self.folder / "control.sock")], capture_output=True, text=True, timeout=120)
        try:
            return json.loads(done.stdout), done.returncode
        except ValueError:
            return {"said": done.stdout + done.stderr}, done.returncode

    def metrics(self):
        """Values by name and labels, as /metrics has them."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10).read().decode()
        return {m.group(1): float(m.group(2)) for m in re.finditer(r"^(hawse_\S+) (\S+)$", text, re.M)}

    def pectra(self, name):
        """One of the strategy's, summed over its labels."""
        return sum(n for key, n in self.metrics().items() if re.match(rf"hawse_plugin_pectra_{name}\{{", key))

    def new_lines(self):
        """What the log got since the last time."""
        text = "".join(self.host.logs())
        end_at = text.rfind("\n") + 1
        lines = text[self.read_to:end_at].splitlines()
        self.read_to = end_at
        return lines


class Phase:
    """One run of the host, with settings of its own, in a market that goes on."""

    bots = Bot

    def __init__(self, trial, name, **settings):
        self.o, self.node, self.results, self.random = trial.o, trial.node, trial.results, trial.random
        self.bot = self.bots(self.o.hawse, self.o.plugins, self.node, trial.folder / name, **settings)
        self.trades, self.decisions, self.decided, self.log = [], [], {}, []
        self.gaps = self.unsure = 0

    def __enter__(self):
        until(lambda: self.node.call("txpool_status")["pending"] == "0x0", 5)  # its approvals
        self.coins = int(self.node.call("eth_getBalance", self.bot.address, "latest"), 16)
        self.bot.host.start()
        until(lambda: self.read() or self.said("tokens are known"), 20)
        self.settled(0.4, 30)
        return self

    def __exit__(self, *_):
        self.bot.host.stop()
        self.read()

    def read(self):
        for line in self.bot.new_lines():
            self.log.append(line)
            decided, ended = DECIDED.search(line), ENDED.search(line)
            if decided:
                self.decisions.append((decided.group(2), int(decided.group(3)), decided.group(4)))
                n, way, block, path, gain, company = decided.groups()
                self.decided[int(n)] = {"n": int(n), "way": way, "block": int(block), "path": path, "company": int(company)}
            if ended:
                n, how, why, gain, predicted, gas, off = ended.groups()
                self.trades.append({**self.decided[int(n)], "good": how == "succeeded", "why": why, "gain": int(gain),
                                    "predicted": int(predicted), "gas": int(gas), "gas_off": int(off or 0)})

    def check(self, name, good, detail=""):
        self.results.check(name, good, "\n".join(self.log[-12:]) + f"\n{detail}")

    def said(self, text):
        return [line for line in self.log if text in line]

    def real(self):
        """Trades that were sent: what a gate refused was none."""
        return [t for t in self.trades if t["way"] in ("buy", "sell") and t["why"] not in ("mode", "gate", "simulation", "moved")]

    def settled(self, quiet_s=0.25, limit_s=20):
        """Until it has nothing more to do with this market."""
        end_at, last, seen, mined, pause = time.monotonic() + limit_s, time.monotonic(), -1, time.monotonic(), 0.05
        while time.monotonic() < end_at:
            self.read()
            state = (len(self.trades), len(self.decisions))
            if state[0] != state[1] and time.monotonic() - mined > pause:
                self.node.call("evm_mine")  # the host looks at outcomes when there is a new block
                mined, pause = time.monotonic(), min(1, 2 * pause)  # slower and slower: a busy host has to keep up
            if state != seen:
                seen, last, pause = state, time.monotonic(), 0.05
            if state[0] == state[1] and time.monotonic() - last > quiet_s:
                return True
            time.sleep(0.02)
        return False

    # ---- markets ----

    def shake(self):
        """Others move the market: a few trades of any size, in any pool; large ones cross ticks."""
        r = self.random
        self.node.call("evm_setAutomine", False)  # all of them at once: nothing moves between decision and block
        for _ in range(r.choice([1, 1, 2, 3])):
            size = 10 ** r.uniform(-3, 1.3)  # company tokens
            if r.random() < 0.3:
                company_in = r.random() < 0.5
                self.node.spot(company_in, int(size * (1 if company_in else 135) * E18))
            else:
                pool, base_in = r.choice(list(POOLS)), r.random() < 0.5
                unit = 135 if (pool in ("yes", "no")) != base_in else 1
                if pool.startswith("pred"):
                    unit = 20
                self.node.swap(pool, base_in, int(size * unit * E18))
        self.node.call("evm_mine")
        self.node.call("evm_setAutomine", True)

    def gap(self):
        """One trade that surely opens a gap: the spot price goes up or down by some per cent, in turns."""
        self.gaps += 1
        company_in = self.gaps % 2 == 0
        self.node.spot(company_in, int(self.random.uniform(14, 20) * (1 if company_in else 135) * E18))

    def markets(self, count, gaps=0.3):
        """So many, one after the other; a part of them begins with a gap for sure."""
        for number in range(count):
            if number % 10 < 10 * gaps:
                self.gap()
            else:
                self.shake()
            if not self.settled():
                self.check("the strategy comes to rest", False)
                return

    # ---- planted markets ----

    def rests(self, limit_s=15):
        """Until it has done what there is to do in this market by model.py: then nothing is left, or too little to be sure."""
        while self.settled(0, limit_s):
            market, rules = self.mirror.market(self.node.head())
            left = best(market, rules)
            if left is None:
                return True, None
            sure = left[2].room > (rules.gas + rules.min_profit) // 10
            done = len(self.decisions)
            if until(lambda: self.read() or len(self.decisions) > done, 2.5 if sure else 0.2, 0.01):
                continue
            return not sure, left
        return False, None

    def planted(self, orders):
        """The rig's markets, one after the other. By kind: how many there were, and in how many it traded."""
        kinds, self.mirror = {}, Mirror(self.node)
        self.verify(self.trades)  # in the market that it began with
        for order in orders:
            before = len(self.trades)
            said = self.node.plant({**order, "step": 0})
            good, left = self.rests()
            for step in range(1, said["steps"]):  # of a market that others led up to it
                said = self.node.plant({**order, "step": step})
                good, left = self.rests()
            new = self.trades[before:]
            if not good:
                self.results.check(f"it trades where there is enough: {order}", False,
                                   "\n".join(self.log[-12:]) + f"\n{left and (left[0], left[1], left[2].__dict__)} {new}")
            self.unsure += left is not None
            self.verify(new)
            for kind in said["kinds"] or [f"{order['name']} {order['gap']:+}"]:
                seen = kinds.setdefault(kind, [0, 0])
                seen[0] += 1
                seen[1] += any(t["good"] and t["way"] in WAYS for t in new)
        return kinds

    def verify(self, trades):
        """Each prediction against the model at its block, and what its legs came to."""
        for t in (t for t in trades if t["way"] in WAYS):
            market, rules = self.mirror.market(t["block"])
            flow = WAYS[t["way"]](market, t["company"], rules)
            t["model"], t["enough"] = (flow.gain, flow.good) if flow else (None, False)
            t["paid"] = flow.paid_max if flow else 0
            receipt = self.mirror.bundle(self.bot.address, t["block"] + 1, self.node.head()) if t["good"] else None
            if receipt:
                t["outputs"] = flow and self.mirror.outputs(receipt, t["way"]) == flow.legs

    # ---- adversaries ----

    def pending(self):
        pool = self.node.call("txpool_content")["pending"]
        return next((list(txs.values())[0] for who, txs in pool.items() if who.lower() == self.bot.address.lower()), None)

    def adversary(self, hurts):
        """Another trade, before the bot's in the same block."""
        r, size = self.random, 10 ** self.random.uniform(-3, 1.3)
        tip = 50 * 10 ** 9
        if r.random() < 0.4:
            company_in = r.random() < (0.8 if hurts == "buy" else 0.2)
            self.node.spot(company_in, int(size * (1 if company_in else 135) * E18), tip)
        else:
            pool = r.choice(list(POOLS))
            base_in = r.random() < (0.2 if hurts == "buy" else 0.8)
            self.node.swap(pool, base_in, int(size * (1 if base_in else 135) * E18), tip)

    def one_adversary(self):
        """A market, the bot's bundle in the pool, another trade before it, a block; what became of it."""
        self.node.call("evm_setAutomine", False)
        self.gap()
        self.node.call("evm_mine")
        before = len(self.trades)
        waited = until(lambda: self.read() or self.pending(), 0.4, 0.02)
        if not waited:
            self.node.call("evm_setAutomine", True)
            return None
        self.read()
        self.adversary(self.decisions[-1][0])
        self.node.call("evm_mine")
        self.node.call("evm_setAutomine", True)
        until(lambda: self.node.call("evm_mine") and (self.read() or len(self.trades) > before), 5, 0.05)
        self.settled(0.05, 5)
        return self.trades[before] if len(self.trades) > before else None

    # ---- judging ----

    def judge_markets(self, count, what, seconds):
        real = self.real()
        good = [t for t in real if t["good"]]
        off = [t for t in good if t["gain"] != t["predicted"]]
        ways = ", ".join(f"{sum(t['way'] == way for t in good)} {way}" for way in ("buy", "sell"))
        refused = sum(t["why"] in ("gate", "simulation") for t in self.trades)
        taken_back = sum(t["why"] == "moved" for t in self.trades)
        gas = sum(t["gas"] for t in good) // max(1, len(good))
        self.results.notes.append(
            f"{what}: {count} markets in {seconds:.0f} s: {len(real)} trades sent, {len(good)} succeeded ({ways}), "
            f"{len(good) - len(off)} gained what was predicted to the wei; {refused} refused before they were signed, "
            f"{taken_back} taken back because the market moved on; {gas} gas each")
        self.check(f"{what}: it trades in some of the markets", len(good) > count // 20, len(good))
        self.check(f"{what}: each trade gains what was predicted, to the wei", not off, off[:5])
        self.check(f"{what}: each trade gains after gas", all(t["gain"] > MIN_PROFIT for t in good))
        self.check(f"{what}: at least 95 of 100 succeed", len(good) * 100 >= 95 * len(real),
                   [t for t in real if not t["good"]][:5])
        return gas, min((t["gas"] for t in good if t["way"] in WAYS), default=0)

    def judge_planted(self, count, seconds):
        """P31 to P35 and P74 to P77, each by what is written here beside it."""
        sent, notes = self.real(), self.results.notes
        good = [t for t in sent if t["good"]]
        exact = sum(t["gain"] == t["predicted"] for t in good)
        told = sum(t["predicted"] == t["model"] for t in sent)
        legs = sum(bool(t.get("outputs")) for t in good)
        gas = sorted(abs(t["gas_off"]) for t in good) or [0]
        back = sum(t["why"] == "moved" for t in self.trades)
        refused = [t for t in self.trades if t["why"] in ("gate", "simulation")]
        notes.append(f"planted: {count} markets in {seconds:.0f} s, {self.unsure} of them left with too little to be sure of; "
                     f"{len(sent)} bundles sent; before that {back} taken back and {len(refused)} refused by their simulation")
        notes.append(f"P31 P34 gain as predicted, to the wei: {exact} of {len(good)} bundles that succeeded")
        notes.append(f"P32 outputs of all legs ({', '.join(LEGS)}) as predicted, to the wei: {legs} of {len(good)}")
        notes.append(f"P33 gas used against its simulation: p50 {gas[len(gas) // 2] / 10000:.2f} % off, "
                     f"at most {gas[-1] / 10000:.2f} % ({len(gas)} bundles)")
        notes.append(f"P35 state as followed equals the chain's at the block of the decision: {told} of {len(sent)} bundles sent")
        notes.append(f"P74 bundles confirmed of those sent: {100 * len(good) / max(1, len(sent)):.1f} % (bar 95)")
        large = [t for t in sent if t["paid"] >= 1000 * E18]
        notes.append(f"P80 of them with 1,000 sDAI or more: {len(large)}, {sum(t['good'] for t in large)} confirmed")
        self.check("planted: at least 95 of 100 of 1,000 sDAI or more succeed (P80)", large and sum(t["good"] for t in large) * 100 >= 95 * len(large), large[:5])
        errors = len(sent) - len(good) + len(refused)
        notes.append(f"P77 errors (reverted, expired, refused by a gate or a simulation) of all that ended, taken back ones apart: "
                     f"{100 * errors / max(1, len(sent) + len(refused)):.1f} % (bar 5)")
        self.check("planted: each trade gains what was predicted, to the wei", exact == len(good),
                   [t for t in good if t["gain"] != t["predicted"]][:5])
        self.check("planted: each leg gave what was predicted, to the wei", legs == len(good),
                   [t for t in good if not t.get("outputs")][:5])
        self.check("planted: what is predicted is what exact mathematics says of the chain's state", told == len(sent),
                   [t for t in sent if t["predicted"] != t["model"]][:5])
        self.check("planted: nothing is sent for which exact mathematics says no", all(t["enough"] for t in sent),
                   [t for t in sent if not t["enough"]][:5])
        self.check("planted: at least 95 of 100 succeed (P74)", len(good) * 100 >= 95 * len(sent),
                   [t for t in sent if not t["good"]][:5])
        self.check("planted: zero loss incidents (P76)", all(t["gain"] > 0 if t["good"] else t["gain"] == 0 for t in sent))
        self.check("planted: fewer than 5 of 100 end badly (P77)", errors * 20 < len(sent) + len(refused), refused[:5])

    def judge_adversaries(self):
        outcomes, lost = [], []
        held = self.node.balance("sdai", self.bot.address)
        done, began, mirror = 0, time.monotonic(), Mirror(self.node)
        for _ in range(20 * self.o.adversaries):
            if done == self.o.adversaries:
                break
            trade = self.one_adversary()
            if trade and trade["way"] != "sweep":
                done += 1
                outcomes.append(trade)
                _, rules = mirror.market(trade["block"])
                least = rules.gas + rules.min_profit if trade["good"] else 0  # a guard's; what reverted moved nothing
                lost += [] if trade["gain"] == least == 0 or trade["gain"] >= least > 0 else [trade]
        went = [t for t in outcomes if t["good"]]
        self.read()
        met, worse = (sum(t["gas"] > 0 and t["gain"] < t["predicted"] for t in some) for some in (outcomes, self.trades))
        told = len(self.said("another trade in these pools stood before ours"))
        self.check("whenever another trade took something of ours it is told, and only then", met <= told <= worse, (met, told, worse))
        self.results.notes.append(
            f"{len(outcomes)} bundles with another trade before them, in {time.monotonic() - began:.0f} s: {len(went)} went through, "
            f"{sum(t['gain'] < t['predicted'] for t in went)} for less than predicted, "
            f"{sum(t['gain'] > t['predicted'] for t in went)} for more; {len(outcomes) - len(went)} reverted, "
            f"{len(lost)} below their bound (least profit after gas; P76)")
        self.check("as many bundles met another trade as were asked for", done == self.o.adversaries, done)
        self.check("what went through gained its least profit after gas, what reverted nothing", not lost, lost[:5])
        self.check("some were in others' way, and some were not", 0 < len(went) < len(outcomes) or done < 20,
                           (len(went), len(outcomes)))
        self.check("the account has no less sDAI than before",
                           self.node.balance("sdai", self.bot.address) >= held, held)

    def judge_sum(self):
        """sDAI of the account, against the sum of what the log says."""
        self.settled()
        have = self.node.balance("sdai", self.bot.address) - 20000 * E18
        told = sum(t["gain"] for t in self.trades)
        self.check("sums of gains are what the account has more", have == told, (have, told))


    def judge_verbs(self):
        """What an operator asks, and the switch back."""
        quote, status = self.bot.call("quote")
        self.check("quote: what both ways would gain now", status == 0 and {"buy", "sell", "ready"} <= set(quote), quote)
        before = len(self.decisions)
        once, status = self.bot.call("once")
        self.settled()
        self.check("once, without --send, proposes nothing", status == 0 and len(self.decisions) == before, once)
        good = [t for t in self.trades if t["good"]]
        told, status = self.bot.call("monitor")
        self.check("monitor: as many trades as the log has, all of them exact",
                   status == 0 and told.get("measured") == told.get("exact") == len(good), told)
        self.check("monitor: each swap of each of them gave what was predicted",
                   told.get("outputs_exact") == told.get("cycles") == sum(t["way"] in WAYS for t in good), told)
        spent = self.coins - int(self.node.call("eth_getBalance", self.bot.address, "latest"), 16)
        cost = spent * E18 // self.node.view(self.node.at["sdai"], "0x07a2d13a" + word(E18))
        self.check("monitor: what gas cost is what the account has less of the coin, in sDAI",
                   0 <= int(told.get("gas_cost", -1)) - cost <= len(self.trades), (told, cost))
        arms, _ = self.bot.call("ab-report")
        bundles = sum(t["path"] == "one bundle" for t in good)
        self.check("ab-report: sums by arm", arms.get("bundles", {}).get("succeeded") == bundles, arms)
        why, _ = self.bot.call("analyze-failures")
        self.check("analyze-failures: as many as the log has",
                   why.get("failures") == sum(not t["good"] and t["why"] != "moved" for t in self.trades), why)
        self.judge_metrics(good)
        self.judge_restart()
        before = len(self.trades)
        self.gap()
        self.settled()
        after = [t for t in self.trades[before:] if t["way"] != "sweep" and t["good"]]
        told, status = self.bot.call("monitor")
        self.check("roll-back: single transactions from then on", status == 1 and told.get("rolled_back") == 5 and after and
                   all(t["path"] == "one by one" for t in after), (told, after))
        self.bot.call("resume")
        told, status = self.bot.call("monitor")
        self.check("resume: bundles are in use again", status == 0 and told.get("rolled_back") == 0, told)

    def judge_metrics(self, good):
        """P54 to P59: what Prometheus gets is what the log has."""
        ended = [t for t in self.real() if t["path"] == "one bundle"]
        went, last = [t for t in good if t["way"] in WAYS], [t for t in self.trades if t["why"] != "moved"][-1]
        micro = [int(t["gain"]) // 10 ** 12 for t in good]
        wanted = {"bundles_total": len(ended), "bundles_success_total": sum(t["good"] for t in ended),
                  "bundles_failed_total": sum(not t["good"] for t in ended), "gain_sdai_total": sum(micro), "loss_sdai_total": 0,
                  "profit_sdai_sum": sum(micro), "profit_sdai": last["gain"] // 10 ** 12, "gas_used": went[-1]["gas"],
                  "errors_total": sum(not t["good"] and t["why"] != "moved" for t in self.trades), "measured_total": len(went),
                  "gain_exact_total": len(went), "outputs_exact_total": len(went), "gain_off_ppm": 0}
        told = {name: self.bot.pectra(name) for name in wanted}
        self.check("/metrics: counters, profit and gas as the log has them", told == wanted, (told, wanted))

    def judge_restart(self):
        """Killed while bundles are out of use: it goes on exactly there, and says so."""
        arms, _ = self.bot.call("ab-report")
        self.bot.call("roll-back")
        time.sleep(0.3)  # the journal is written behind the answer
        self.bot.host.kill()
        self.bot.host.start()
        until(lambda: self.read() or self.said("as before the restart"), 20)
        again = until(lambda: self.bot.call("ab-report")[0] == arms, 10)
        told, status = self.bot.call("monitor")
        self.check("kill -9: bundles are still out of use, and both arms have their sums",
                   again and status == 1 and told.get("rolled_back") == 5, (arms, told))
        self.check("and the alert is up again",
                   until(lambda: "alert bundles_rolled_back" in self.bot.host.logs()[-1], 10))
        self.settled(0.4, 30)


class Trial:
    def __init__(self, options):
        self.o, self.results = options, Results()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-futarchy-"))
        self.random = random.Random(options.seed)
        self.node = Node(options.anvil, options.rig, self.folder)
        self.node.arm_others()

    def bundles(self):
        """Fees stand still, so a simulation has to show all of what was predicted."""
        began = time.monotonic()
        with Phase(self, "bundled", simulation_slippage_ppm=0) as p:
            p.markets(self.o.markets)
            gas = p.judge_markets(self.o.markets, "bundles", time.monotonic() - began)
            p.judge_verbs()
            p.judge_sum()
        return gas

    def adversaries(self):
        """Fees move with time, and others trade."""
        with Phase(self, "adversaries") as p:
            p.judge_adversaries()
            p.judge_sum()

    def planted(self):
        """Shallow and deep, liquidity on one side, prices at the edge of a tick, gaps both ways and none; all prices of a market
        change in one block. It is the last part but one: it leaves a market of another depth."""
        orders = NAMED + [{"do": "random", "seed": self.o.seed * 10 ** 6 + n} for n in range(self.o.planted - len(NAMED))]
        began = time.monotonic()
        with Phase(self, "planted", simulation_slippage_ppm=0) as p:
            kinds = p.planted(orders[:self.o.planted])
            p.judge_planted(self.o.planted, time.monotonic() - began)
            self.results.notes.append("planted: traded in " + ", ".join(
                f"{traded} of {seen} {kind}" for kind, (seen, traded) in kinds.items()))
            p.judge_sum()

    def singles(self):
        count, began = min(20, max(2, self.o.markets // 5)), time.monotonic()
        with Phase(self, "sequential", execution="sequential") as p:
            p.markets(count, 1)  # nobody moves it between two of its transactions
            gas = p.judge_markets(count, "one by one", time.monotonic() - began)
            p.check("one by one means one by one", all(t["path"] == "one by one" for t in p.trades))
            p.judge_sum()
        return gas

    def fallback(self):
        """An executor that only reverts: bundles are refused by their simulation, and trades go one by one."""
        code = self.node.call("eth_getCode", self.node.at["executor"], "latest")
        self.node.call("anvil_setCode", self.node.at["executor"], "0x60006000fd")
        with Phase(self, "fallback", execution="fallback") as p:
            for _ in range(max(4, self.o.markets // 10)):
                if any(t["path"] == "one by one" for t in p.real()):
                    break
                p.gap()
                p.settled()
                p.node.call("evm_mine")  # what was refused is tried again at the next block
                p.settled()
            sent = p.real()
            p.check("a bundle that reverts in its simulation is refused, and nothing of it is sent",
                    any(t["path"] == "one bundle" for t in p.trades) and
                    not any(t["path"] == "one bundle" for t in sent))
            p.check("then one goes by single transactions, and gains what was predicted",
                    any(t["good"] for t in sent) and all(t["gain"] == t["predicted"] for t in sent if t["good"]), sent)
        self.node.call("anvil_setCode", self.node.at["executor"], code)

    def stop_half_way(self, p):
        """Between the second transaction of a sequence and the third; on a busy machine it may come too late."""
        node = self.node
        node.call("evm_setAutomine", False)
        p.gap()
        node.call("evm_mine")
        under_way = until(p.pending, 8, 0.02)
        if under_way:
            node.call("evm_mine")  # its first transaction
            under_way = until(p.pending, 8, 0.02)
        p.read()
        if under_way:
            buys = p.decisions[-1][0] == "buy"
            node.swap("no", not buys, 1600 * E18 if buys else 12 * E18, 50 * 10 ** 9)
            node.call("evm_mine")  # its second, and the other trade
        node.call("evm_setAutomine", True)
        for _ in range(6):  # each step of tidying up is a trade of its own
            p.settled(0.3, 30)
            node.call("evm_mine")

    def broken(self):
        """Another trade stops a sequence half way: what it had bought is sold again, and what pairs up is merged."""
        node = self.node
        with Phase(self, "broken", execution="sequential", safe_amount="1500") as p:
            for _ in range(5):
                self.stop_half_way(p)
                if any(not t["good"] for t in p.real()):
                    break
            stopped = [t for t in p.real() if not t["good"]]
            tidied = [t for t in p.trades if t["good"] and t["way"] in ("recover", "sweep")]
            p.check("a sequence that was stopped half way is tidied up", stopped and tidied, p.trades)
            held = {t: node.balance(t, p.bot.address) for t in TOKENS[1:]}
            pairs = min(held["yesSdai"], held["noSdai"])
            p.check("nothing of it is left but sDAI of one outcome", pairs < E18 // 10 and all(
                held[t] < E18 // 1000 for t in ("company", "yesCompany", "noCompany")), held)
            p.check("a loss takes bundles out of use", p.said("bundles are out of use"))

    def pinned(self):
        """Another code at the executor's address takes bundles out of use before one is proposed."""
        at = self.node.at["executor"]
        code = self.node.call("eth_getCode", at, "latest")
        pin = self.node.call("web3_sha3", code)
        self.node.call("anvil_setCode", at, code + "00")
        with Phase(self, "pinned", executor_code_hash=pin) as p:
            p.gap()
            p.settled()
            p.check("an executor whose code is not the pinned one is noticed", p.said("executor's code is not"))
            p.check("bundles are out of use then", p.said("bundles are out of use") and
                    not any(t["path"] == "one bundle" for t in p.trades))
        self.node.call("anvil_setCode", at, code)

    def resolved(self):
        """The proposal is answered: whatever the market offers then, nothing new is begun. Nothing comes after this part."""
        at = self.node.at
        with Phase(self, "resolved") as p:
            self.node.send(self.node.others, at["conditionalTokens"], "0xc49298ac" + word(at["questionId"]) + word(0x40) +
                           word(2) + word(1) + word(0))
            told = until(lambda: p.read() or p.said("the proposal is resolved"), 10)
            begun = len([d for d in p.decisions if d[0] in ("buy", "sell")])
            for _ in range(3):
                p.gap()
                p.settled()
            p.check("a proposal that is resolved is traded no more",
                    told and len([d for d in p.decisions if d[0] in ("buy", "sell")]) == begun, p.decisions)
            quote, _ = p.bot.call("monitor")
            p.check("and the operator is told so", quote.get("ready") is False, quote)

    def both(self):
        (bundle, least_bundle), (single, least_single) = self.bundles(), self.singles()
        self.results.notes.append(f"P75 gas of a cycle, means of those that succeeded: {bundle} in a bundle, {single} one by one: "
                                  f"{100 - 100 * bundle / max(1, single):.1f} % less (bar 15)")
        # means are of markets in which others cross other ticks; hour.py compares both in one market
        self.results.check("the cheapest bundle takes at least 15 % less gas than the cheapest sequence",
                           0 < least_bundle * 100 <= least_single * 85, (least_bundle, least_single))

    def run(self):
        began = time.monotonic()
        try:
            if self.o.adversaries and "adversaries" in self.o.only:
                self.adversaries()
            self.node.freeze_fees()
            for phase in ("both", "fallback", "broken", "pinned", "planted", "resolved"):
                if phase in self.o.only:
                    getattr(self, phase)()
        finally:
            self.node.stop()
        self.results.notes.append(f"{time.monotonic() - began:.0f} s")
        return self.results.report()


def main():
    p = argparse.ArgumentParser()
    for name in ("hawse", "plugins", "anvil", "rig"):
        p.add_argument(name)
    p.add_argument("--markets", type=int, default=6)
    p.add_argument("--adversaries", type=int, default=2)
    p.add_argument("--planted", type=int, default=len(NAMED))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--only", default="adversaries,both,fallback,broken,pinned,planted,resolved", help="which parts")
    p.add_argument("--full", action="store_true", help="1,000 planted markets, 300 adversaries, 50 markets of single moves")
    options = p.parse_args()
    if options.full:
        options.planted, options.adversaries, options.markets = 1000, 300, 50
    options.hawse, options.plugins = pathlib.Path(options.hawse).resolve(), pathlib.Path(options.plugins).resolve()
    sys.exit(1 if Trial(options).run() else 0)


if __name__ == "__main__":
    main()
