#!/usr/bin/env python3
"""What takes bundles out of use, and how amounts go up and down, each brought about on a real node with the market's real
contracts. Prints TAP.

    control.py HAWSE PLUGIN_DIR ANVIL RIG [--only PART,PART] [--seed N]

Each trigger: bundles are out of use, an alert with its name holds, single transactions of the safe amount go on, and only
the operator's `resume` ends it.
"""
import argparse
import json
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from arb import E18, Node, Phase  # noqa: E402
from simulated import moved  # noqa: E402
from trials import Results, until  # noqa: E402

SAFE = "400"  # sDAI
REFUSED, CONFIRMED, EXPIRED, FAILED = 3, 9, 11, 12  # steps of intents
UNKNOWN = -16  # HAWSE_E_UNKNOWN
GAP = 18      # company tokens
PARTS = ("shadow", "reverting", "code", "stranger", "failures", "gas", "killed", "carried", "verbs", "canary")
RULES = pathlib.Path(__file__).resolve().parents[2] / "packaging/prometheus/hawse.rules.yml"
LADDER = ["0.001", "0.005", "0.01", "0.05", "0.1"]


def wei(text):
    whole, _, rest = text.partition(".")
    return int(whole) * E18 + int((rest + "0" * 18)[:18])


class Deaf:
    """A provider that lets everything through but one method, which it holds without a word after so many; until it hears."""

    def __init__(self, url, method="eth_sendRawTransaction", after=0):
        passed = []
        held = self.held = []
        hears = self.hears = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:  # who asked was killed
                    pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if method.encode() in body and not hears.is_set() and len(passed) < after:
                    passed.append(body)
                elif method.encode() in body and not hears.is_set():
                    held.append(body)
                    hears.wait(30)  # who sent it is gone by then
                    self.close_connection = True
                    return
                request = urllib.request.Request(url, body, {"content-type": "application/json"})
                answer = urllib.request.urlopen(request, timeout=30).read()
                try:
                    self.send_response(200)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:  # who asked was killed
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.hears.set()
        self.server.shutdown()


class Trial:
    def __init__(self, options):
        self.o, self.results = options, Results()
        self.random = random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-control-"))
        self.node = Node(options.anvil, options.rig, self.folder)
        self.node.arm_others()
        self.node.freeze_fees()
        self.executor = self.node.at["executor"]
        self.code = self.node.call("eth_getCode", self.executor, "latest")

    # ---- what happens ----

    def open_gap(self):
        """The spot price goes up by some per cent."""
        self.node.spot(False, int(GAP * 135 * E18))

    def close_gap(self):
        """Somebody is faster: the price goes back, and further."""
        self.node.spot(True, int(3 * GAP * E18), 50 * 10 ** 9)

    def gap(self, p):
        """A market with something to gain, until the strategy is done with it."""
        self.open_gap()
        p.settled()

    def bundle(self, p):
        """Gaps until a bundle has succeeded."""
        for _ in range(4):
            self.gap(p)
            good = [t for t in p.real() if t["path"] == "one bundle" and t["good"]]
            if good:
                return good[-1]
        return None

    def in_the_pool(self, p, meanwhile):
        """One bundle is signed and sent; `meanwhile` something happens before its block."""
        node, before = self.node, len(p.real())
        node.call("evm_setAutomine", False)
        self.open_gap()
        node.call("evm_mine")
        if until(p.pending, 2, 0.02):
            meanwhile()
            node.call("evm_mine")
        node.call("evm_setAutomine", True)
        until(lambda: node.call("evm_mine") and (p.read() or len(p.real()) > before), 8, 0.05)
        return p.real()[before] if len(p.real()) > before else None

    def alerts(self, p):
        done = subprocess.run([str(self.o.hawse), "status", "--json", "--socket", str(p.bot.folder / "control.sock")],
                              capture_output=True, text=True, timeout=10)
        return [a["name"] for a in json.loads(done.stdout).get("alerts", []) if a.get("active", True)]

    # ---- judging ----

    def is_down(self, p, what, reason):
        """Bundles are out of use for this reason; then a gap, and the operator's word."""
        node = self.node
        down = until(lambda: node.call("evm_mine") and (p.read() or p.said("bundles are out of use")), 15, 0.1)
        p.check(f"{what}: bundles are out of use, and it is said why", down and re.search(reason, p.said("out of use")[-1]))
        told, status = p.bot.call("monitor")
        p.check(f"{what}: monitor says so with its exit code", status == 1 and told.get("rolled_back"), told)
        names = self.alerts(p)
        p.check(f"{what}: the alert bundles_rolled_back holds", "bundles_rolled_back" in names, names)

    def goes_on(self, p, what):
        before = len(p.trades)
        for _ in range(4):
            self.gap(p)
            if any(t["way"] in ("buy", "sell") and t["good"] for t in p.trades[before:]):
                break
        after = [t for t in p.trades[before:] if t["way"] in ("buy", "sell")]
        paid = [wei(line.group(1)) for line in map(re.compile(r"trade \d+: (?:buy|sell), .*?one by one[^0-9]*([0-9.]+)").search,
                                                   p.log[-200:]) if line]
        p.check(f"{what}: single transactions go on, of the safe amount at most",
                any(t["good"] for t in after) and all(t["path"] == "one by one" for t in after) and
                paid and max(paid[-len(after):]) <= wei(SAFE), (after, paid, p.bot.call("quote")))

    def resumes(self, p, what):
        p.bot.call("resume")
        told, status = p.bot.call("monitor")
        over = until(lambda: "bundles_rolled_back" not in self.alerts(p), 40, 0.5)  # after its hysteresis
        p.check(f"{what}: resume, and bundles are in use again", status == 0 and not told.get("rolled_back") and over, told)
        before = len(p.trades)
        for _ in range(4):
            self.gap(p)
            if any(t["path"] == "one bundle" and t["good"] for t in p.trades[before:]):
                break
        p.check(f"{what}: and the next trade is one", any(t["path"] == "one bundle" and t["good"] for t in p.trades[before:]),
                (p.trades[before:], p.bot.call("quote"), p.bot.call("monitor")))

    def phase(self, name, **settings):
        p = Phase(self, name, **{"safe_amount": SAFE, "amount": "1500", "cooldown_blocks": 1, "liquidation_enabled": False,
                                    "min_profit": "0.000001", **settings})
        config = json.loads((p.bot.folder / "hawse.json").read_text())
        config["alerts"] = {"clear_ms": 200}
        (p.bot.folder / "hawse.json").write_text(json.dumps(config))
        return p

    # ---- what others are told ----

    def shadow(self):
        """A mode that signs nothing: what would have been sent is no failure, so no rule of Prometheus fires. And all that the
        rules name is exported."""
        p = self.phase("shadow")
        config = json.loads((p.bot.folder / "hawse.json").read_text())
        config["instances"]["arb"]["mode"] = "shadow"
        config["record"] = {"file": "shadow.hrec"}
        (p.bot.folder / "hawse.json").write_text(json.dumps(config))
        with p:
            for _ in range(4):
                self.gap(p)
            have = p.bot.metrics()
            told, status = p.bot.call("monitor")
            why, _ = p.bot.call("analyze-failures")
            pectra = {name: n for name, n in have.items() if "pectra" in name}
            p.check("shadow: it decides, and nothing is sent", len(p.trades) >= 4 and not p.real(), p.trades)
            p.check("shadow: no bundle has failed, and there is no error of any type",
                    len(pectra) >= 14 and not any(n for name, n in pectra.items() if re.search("bundles|errors", name)), pectra)
            p.check("shadow: monitor and analyze-failures know of none", status == 0 and told["failures"] == why["failures"] == 0 and
                    not any(told["errors"].values()), (told, why))
            named = set(re.findall(r"\b(hawse_\w+)[\[ ]", "\n".join(re.findall(r"expr: (.*?)\n +(?:for|keep_firing_for|labels|annotations):", RULES.read_text(),
                                                                             re.S))))
            lost = named - {name.partition("{")[0] for name in have}
            p.check("each metric that a rule names is exported under that name", len(named) >= 11 and not lost - {"hawse_alerts"}, lost)
            labels = {"hawse_instance_up": ["instance"], "hawse_stream_up": ["instance", "stream"],
                      "hawse_chain_alarms": ["chain", "what"], "hawse_plugin_pectra_errors_total": ["instance", "type"],
                      "hawse_plugin_pectra_bundles_total": ["instance"]}
            bad = [name for name, wanted in labels.items() if not any(
                one.startswith(name + "{") and all(f'{label}="' in one for label in wanted) for one in have)]
            p.check("... with the labels that they group by", not bad, bad)

    # ---- triggers ----

    def reverting(self):
        """The executor is replaced by one that reverts, between signing and the block."""
        pin = self.node.call("web3_sha3", self.code)
        with self.phase("reverting", executor_code_hash=pin) as p:
            trade = self.in_the_pool(p, lambda: self.node.call("anvil_setCode", self.executor, "0x60006000fd"))
            p.check("a reverting executor: the bundle reverts on the chain, and nothing is lost",
                    trade and not trade["good"] and trade["gain"] == 0, trade)
            self.is_down(p, "a reverting executor", "a contract is not what it was")
            self.goes_on(p, "a reverting executor")
            self.node.call("anvil_setCode", self.executor, self.code)
            self.resumes(p, "a reverting executor")

    def code_changes(self):
        """The executor's code is another one, while it runs."""
        pin = self.node.call("web3_sha3", self.code)
        with self.phase("code", executor_code_hash=pin) as p:
            first = self.bundle(p)
            self.node.call("anvil_setCode", self.executor, self.code + "00")
            self.is_down(p, "another code", "a contract is not what it was")
            p.check("another code: bundles had been in use before", first)
            p.bot.call("resume")
            again = until(lambda: self.node.call("evm_mine") and (p.read() or len(p.said("bundles are out of use")) == 2), 5, 0.1)
            p.check("another code: to resume while it is still wrong is of no use", again)
            self.node.call("anvil_setCode", self.executor, self.code)
            self.resumes(p, "another code")

    def stranger(self):
        """Somebody has the account point to other code (EIP-7702)."""
        with self.phase("stranger") as p:
            first = self.bundle(p)
            self.node.call("anvil_setCode", p.bot.address, "0xef0100" + "22" * 20)
            self.is_down(p, "a stranger's delegation", "a contract is not what it was")
            p.check("a stranger's delegation: bundles had been in use before", first)
            self.node.call("anvil_setCode", p.bot.address, "0x")
            self.resumes(p, "a stranger's delegation")

    def failures(self):
        """Others are faster again and again: more than one in five of at least ten bundles fail."""
        with self.phase("failures", rollback_ppm=200000) as p:
            end_at = time.monotonic() + 60
            while time.monotonic() < end_at and not p.said("bundles are out of use"):
                if len(p.real()) % 3 == 0:
                    self.in_the_pool(p, self.close_gap)
                    p.settled()
                else:
                    self.gap(p)
            first = next((i + 1 for i, line in enumerate(p.log) if "bundles are out of use" in line), None)
            ended = [t for t in p.real() if t["path"] == "one bundle"]
            bad = sum(not t["good"] for t in ended)
            p.check("failures: by rule, with the tenth bundle or later, and not before",
                    first and len(ended) >= 10 and bad * 5 > len(ended), (len(ended), bad))
            self.is_down(p, "failures", "more than 20 %")
            self.goes_on(p, "failures")
            self.resumes(p, "failures")

    def gas(self):
        """What a cycle may use is set so low that a real bundle uses more than twice of it."""
        with self.phase("gas", sequential_gas=200000) as p:
            trade = self.bundle(p)
            p.check("gas: one bundle used more than twice of it", trade and trade["good"] and trade["gas"] > 400000, trade)
            self.is_down(p, "gas", "twice the gas")

    # ---- killed ----

    def transactions(self, p):
        return int(self.node.call("eth_getTransactionCount", p.bot.address, "latest"), 16)

    def steps(self, p, error=None):
        with sqlite3.connect(f"file:{p.bot.folder}/state/journal.db?mode=ro", uri=True) as db:
            rows = db.execute("select intent, step, error from step order by seq").fetchall()
        return [row[:2] for row in rows if error is None or row[2] == error]

    def ends(self, p):
        """Terminal steps by intent."""
        found = {}
        for intent, step in self.steps(p):
            if step in (REFUSED, CONFIRMED, EXPIRED, FAILED):
                found.setdefault(intent, []).append(step)
        return found

    def killed(self):
        """kill -9 between signing and sending: what was signed is in the journal, and no node has it."""
        p = self.phase("killed")
        deaf = Deaf(self.node.url)
        config = json.loads((p.bot.folder / "hawse.json").read_text())
        config["chains"]["gnosis"]["providers"] = [{"name": "anvil", "http": deaf.url, "per_second": 0}]
        (p.bot.folder / "hawse.json").write_text(json.dumps(config))
        with p:
            nonce, held = self.transactions(p), self.node.balance("sdai", p.bot.address)
            self.open_gap()
            signed = until(lambda: self.node.call("evm_mine") and deaf.held, 10, 0.05)
            p.bot.host.kill()
            p.check("killed: it had signed, and nobody had it", signed and self.transactions(p) == nonce and not p.pending(), signed)
            deaf.hears.set()
            p.bot.host.start()
            done = until(lambda: self.node.call("evm_mine") and self.transactions(p) > nonce, 20, 0.1)
            until(lambda: self.node.call("evm_mine") and self.ends(p).get(1), 10, 0.05)
            p.check("killed: after the restart its transaction is in a block once", done and self.ends(p).get(1) == [CONFIRMED],
                    (self.transactions(p), nonce, self.steps(p)))
            until(lambda: self.node.call("evm_mine") and self.ends(p).get(2), 10, 0.05)  # taken back, if the market moved by it
            p.check("killed: what is decided after it does not get a nonce of it", self.ends(p).get(2) and not self.steps(p, UNKNOWN),
                    self.steps(p))
            gain = self.node.balance("sdai", p.bot.address) - held
            p.check("killed: the account lost nothing by it", gain >= 0, gain)

    def gained(self, p):
        """Of sDAI, by the receipts of all transactions that the journal has."""
        with sqlite3.connect(f"file:{p.bot.folder}/state/journal.db?mode=ro", uri=True) as db:
            hashes = [h for (h,) in db.execute("select hash from attempt")]
        receipts = [self.node.call("eth_getTransactionReceipt", h if isinstance(h, str) else "0x" + h.hex()) for h in hashes]
        return sum(moved(r, self.node.at["sdai"], p.bot.address) for r in receipts if r)

    def is_accounted(self, p, what, arm):
        """The one trade that there was is in all sums."""
        told = until(lambda: self.node.call("evm_mine") and (t := p.bot.call("monitor")[0]).get(arm, {}).get("ended") and t, 20, 0.1)
        told, gain = told or p.bot.call("monitor")[0], self.gained(p)
        p.check(f"{what}: its result is in all sums, once, to the wei", gain != 0 and told.get(arm, {}).get("ended") == 1 and
                int(told[arm]["gain"]) == gain == int(told["day_gain"]) and told["day_ended"] == 1, (told, gain))

    def carried(self):
        """kill -9 when a trade is in its block and its receipts are not read yet, and in the middle of a sequence."""
        for what, held in (("bundled", "eth_getTransactionReceipt"), ("sequential", "eth_getTransactionReceipt"),
                           ("sequential", "eth_sendRawTransaction")):
            arm, name = {"bundled": "bundles"}.get(what, "one_by_one"), f"{what}, killed before {held[4:]}"
            p = self.phase(f"carried-{what}-{held[4:8]}", execution=what, interval_s=3600)
            sends = held == "eth_sendRawTransaction"
            deaf = Deaf(self.node.url, held, 1 if sends else 0)  # the second transaction is held
            config = json.loads((p.bot.folder / "hawse.json").read_text())
            if sends:
                config["chains"]["gnosis"]["providers"] = [{"name": "anvil", "http": deaf.url, "per_second": 0}]
            else:
                config["instances"]["chain"]["endpoints"]["http"] = deaf.url
            (p.bot.folder / "hawse.json").write_text(json.dumps(config))
            nonce = self.transactions(p)
            with p:
                self.open_gap()
                until(lambda: self.node.call("evm_mine") and deaf.held and (sends or [CONFIRMED] in self.ends(p).values()), 15, 0.05)
                p.bot.host.kill()
                p.read()
                p.check(f"{name}: it had sent, and knew no result", self.transactions(p) > nonce and not p.real(),
                        (self.transactions(p), nonce, len(deaf.held), p.trades, self.steps(p)))
                deaf.hears.set()
                p.bot.host.start()
                self.is_accounted(p, name, arm)
                p.bot.host.kill()
                p.bot.host.start()
                until(lambda: self.node.call("evm_mine") and p.bot.call("monitor")[0].get("ready"), 20, 0.1)
                self.is_accounted(p, f"{name}, and again after it", arm)
            deaf.stop()

    def verbs(self):
        """roll-back is answered when it is on the disk, and holds after a kill -9 in that moment."""
        with self.phase("verbs") as p:
            journal = sqlite3.connect(p.bot.folder / "state/journal.db", isolation_level=None)
            journal.execute("begin immediate")  # nobody else writes meanwhile
            call = subprocess.Popen([str(self.o.hawse), "call", "arb", "roll-back", "--socket", str(p.bot.folder / "control.sock")],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            early = until(lambda: call.poll() is not None, 1.5, 0.02)
            p.check("verbs: roll-back is not answered while the journal cannot be written", not early, early and call.stdout.read())
            journal.execute("rollback")
            journal.close()
            answered = until(lambda: call.poll() is not None, 10, 0.002)
            p.bot.host.kill()
            p.check("verbs: it is, once that is on the disk", answered and call.returncode == 0, call.stdout.read())
            p.bot.host.start()
            told, status = until(lambda: self.node.call("evm_mine") and (t := p.bot.call("monitor")) and t[0].get("ready") and t, 20,
                                 0.1) or ({}, None)
            p.check("verbs: and it holds after a kill in that moment", status == 1 and told.get("rolled_back"), told)

    # ---- amounts ----

    def paid(self, p):
        """Trades that succeeded, and what they put in, in order."""
        found = (re.search(r"trade (\d+): (buy|sell), .*?(?:one bundle|one by one)[^0-9]*([0-9.]+)", line) for line in p.log)
        good = {t["n"] for t in p.trades if t["good"]}
        return [(int(m.group(1)), wei(m.group(3))) for m in found if m and int(m.group(1)) in good]

    def canary(self):
        """Up one step after each success, and down to the first at a failure."""
        with self.phase("canary", stage="canary", canary_amounts=LADDER, canary_passes=1, canary_interval_s=0, tip_wei=1000) as p:
            end_at = time.monotonic() + 60
            while time.monotonic() < end_at and len([t for t in p.real() if t["good"]]) < 6:
                self.gap(p)
            steps = [min(wei(a), wei(LADDER[-1])) for a in LADDER] + [wei(LADDER[-1])]
            have = [amount for _, amount in self.paid(p)[:6]]
            p.check("canary: each success is one step up, and no further than the last",
                    len(have) == 6 and all(h <= s for h, s in zip(have, steps)) and
                    all(h > lower for h, lower in zip(have[1:5], steps[:4])), (have, steps))
            p.check("canary: each step up is said", len(p.said("the amount goes up")) == 4, p.said("the amount goes"))
            self.in_the_pool(p, lambda: self.node.call("anvil_setCode", self.executor, "0x60006000fd"))
            self.node.call("anvil_setCode", self.executor, self.code)
            p.settled(0.25, 5)
            bad = next((t["n"] for t in p.real() if not t["good"]), None)
            p.check("canary: a failure", bad)
            until(lambda: self.node.call("evm_mine") and (p.read() or [n for n, _ in self.paid(p) if bad and n > bad]), 15, 0.1)
            after = [amount for n, amount in self.paid(p) if bad and n > bad]
            p.check("canary: and down to the first amount", len(p.said("the amount goes down")) == 1 and after and
                    after[0] <= wei(LADDER[0]), after[:3])

    def run(self):
        parts = {"shadow": self.shadow, "reverting": self.reverting, "code": self.code_changes, "stranger": self.stranger,
                 "failures": self.failures, "gas": self.gas, "killed": self.killed, "carried": self.carried, "verbs": self.verbs,
                 "canary": self.canary}
        began = time.monotonic()
        try:
            for name in PARTS:
                if name in self.o.only and name in parts:
                    parts[name]()
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
