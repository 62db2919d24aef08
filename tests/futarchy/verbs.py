#!/usr/bin/env python3
"""The strategy's verbs `verify` and `approvals` on a real node with the market's real contracts: a good chain is green, each
of the planted faults is named, approvals are set and taken back through the host's gates. Prints TAP.

    verbs.py HAWSE PLUGIN_DIR ANVIL RIG [--full]
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from arb import CHAIN_ID, Bot, Node, word  # noqa: E402
from fork import Forked  # noqa: E402
from trials import Results, end, free_port, until  # noqa: E402


class Trial(Results):
    def __init__(self, hawse, plugins, anvil, rig, folder):
        super().__init__()
        self.hawse, self.plugins, self.folder = hawse, plugins, folder
        self.node = Node(anvil, rig, folder)
        self.anvil = anvil
        self.code = self.node.call("eth_getCode", self.node.at["executor"], "latest")
        self.bot = Bot(hawse, plugins, self.node, folder / "bot", test_mode=True, executor_code_hash=self.keccak(self.code),
                       executor_code_size=len(self.code) // 2 - 1)
        config = json.loads((folder / "bot/hawse.json").read_text())
        for who in ("futarchyRouter", "swapRouter", "balancerVault"):
            config["instances"]["arb"]["limits"]["gnosis"]["counterparties"][self.node.at[who]]["spender"] = "unlimited"
        (folder / "bot/hawse.json").write_text(json.dumps(config))

    def keccak(self, data):
        return self.node.call("web3_sha3", data)

    def call(self, *words, sets=()):
        """In a hawse of its own, which signs nothing."""
        sets = [w for s in sets for w in ("--set", s)]
        return subprocess.run([str(self.hawse), "call", "--config", "hawse.json", *sets, "arb", *words], cwd=self.folder / "bot",
                              env=self.bot.host.env, capture_output=True, text=True, timeout=60)

    def live(self, *words):
        """In the running host; blocks come meanwhile, as they do: at each one the host looks at outcomes."""
        process = subprocess.Popen([str(self.hawse), "call", "--socket", "control.sock", "--timeout", "20", "arb", *words],
                                   cwd=self.folder / "bot", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: self.node.call("evm_mine") and process.poll() is not None, 25, 0.05)
        out, err = process.communicate(timeout=5)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    # ---- verify ----

    def good(self, name):
        done = self.call("verify")
        self.check(name, done.returncode == 0 and done.stdout.endswith("all infrastructure ready\n") and "FAIL" not in done.stdout,
                   done.stdout + done.stderr)
        return done.stdout

    def fault(self, name, wanted, sets=()):
        done = self.call("verify", sets=sets)
        bad = re.findall(r"\[FAIL\] (.*)", done.stdout)
        self.check(f"verify names {name}, and ends with 1", done.returncode == 1 and bad and re.search(wanted, bad[0]) and
                   done.stdout.count("fix: ") == len(bad), done.stdout + done.stderr)
        return bad

    def verify(self):
        node, me, executor = self.node, self.bot.address, self.node.at["executor"]
        said = self.good("verify is green on a good chain")
        for line in (rf"implementation deployed at {executor.lower()}", r"No 0xEF opcodes found in bytecode",
                     rf"Contract size: {len(self.code) // 2 - 1} bytes", r"EIP-7702 \(transaction type 0x04\) supported"):
            self.check(f"... and says: {line[:40]}", re.search(rf"\[ ok \] {line}", said, re.I), said)
        node.call("anvil_setCode", executor, "0x")
        self.fault("no code", r"no code at")
        changed = self.code[:-2] + ("00" if self.code[-2:] != "00" else "01")
        node.call("anvil_setCode", executor, changed)
        only = self.fault("a wrong hash", r"code hash 0x.*pinned")
        self.check("... and that alone", len(only) == 1, only)
        node.call("anvil_setCode", executor, "0x6000ef" + self.code[8:])
        self.fault("a 0xEF", r"1 0xEF opcodes|\d+ 0xEF opcodes")
        node.call("anvil_setCode", executor, self.code + "00")
        self.fault("another size", r"Contract size: \d+ bytes, pinned \d+")
        node.call("anvil_setCode", executor, self.code)
        self.fault("a wrong chain id", r"chain id 100, expected 137", ["instances.arb.settings.chain_id=137"])
        node.call("anvil_setCode", me, "0xef0100" + "22" * 20)
        self.fault("a stranger's delegation", r"code of somebody else")
        node.call("anvil_setCode", me, "0xef0100" + executor[2:])
        self.good("an account that is delegated to the executor is good")
        node.call("anvil_setCode", me, "0x")
        self.approve_from_bot("yesSdai", "swapRouter", 0)
        self.fault("a missing approval", r"1 of 12 approvals are missing: YES-sDAI > swap_router")
        self.approve_from_bot("yesSdai", "swapRouter", 2 ** 256 - 1)
        self.fault("a low balance", r"sDAI of the account: \d+, a trade needs 1000000$",
                   ["instances.arb.settings.test_mode=false", 'instances.arb.settings.amount="1000000"',
                    'instances.arb.settings.max_bundle_amount="2000000"'])
        sets = ["instances.arb.settings.test_mode=false", 'instances.arb.settings.stage="canary"']
        done = self.call("verify", sets=[*sets, 'instances.arb.settings.canary_amounts=["0.5","1000000"]'])
        self.check("verify asks for what the stage takes now", done.returncode == 0 and "a trade needs 0.5\n" in done.stdout, done)
        node.call("anvil_setBalance", me, "0x1")
        self.fault("no coins for gas", r"coin for gas: 0.000000000000000001, a trade needs")
        node.call("anvil_setBalance", me, hex(10 ** 22))
        self.good("verify is green again when all is mended")

    def words(self):
        """What a slip of the hand is answered with, and verify for programs."""
        done = self.call("--json", "verify", sets=["instances.arb.settings.chain_id=137"])
        bad = [line for line in json.loads(done.stdout)["lines"] if not line["good"]]
        self.check("verify --json names each check, and what to do where one is bad", done.returncode == 1 and
                   [line["check"] for line in bad] == ["chain_id"] and '"chain_id" is wrong' in bad[0]["fix"], done.stdout)
        for setting in ("enabled", "bundle_enabled"):
            done = self.call("monitor", sets=[f"instances.arb.settings.{setting}=false"])
            self.check(f"monitor says that bundles are out of use by {setting}", f'bundles out of use: "{setting}" is false' in done.stdout, done)
            done = self.call("resume", sets=[f"instances.arb.settings.{setting}=false"])
            self.check("... and resume that it does not change that", f'out of use, single transactions go on: "{setting}" is' in done.stdout, done)
        for setting, value in {"canary_amounts": '["1","0.5"]', "amount": '"0"', "safe_amount": '"ten"', "daily_amounts": '["0"]'}.items():
            done = self.call("verify", sets=[f"instances.arb.settings.{setting}={value}"])
            self.check(f"{setting} {value} is refused by name", done.returncode != 0 and f"settings.{setting} cannot be taken" in done.stderr and
                       "fix: " in done.stderr, done)

    def questions(self):
        """Of a running host that has nothing to trade."""
        done = self.live("quote", "much")
        self.check("quote: what is no amount is refused", done.returncode == 2 and 'expected sDAI above 0, as "12.5"' in done.stdout, done)
        done = self.live("quote", "amount=0")
        self.check("quote: nor is 0", done.returncode == 2, done)
        done = self.live("once")
        self.check("once says what --send would do", done.returncode == 0 and "nothing was proposed: --send proposes the better one, as one "
                   "bundle, of 0.01 sDAI at most" in done.stdout, done)
        done = self.live("once", "--send")
        self.check("once --send says why it proposes nothing", done.returncode == 0 and
                   done.stdout == "nothing was proposed: nothing gains enough now\n", done)
        done = self.live("monitor")
        self.check("monitor says that bundles are in use", "bundles in use" in done.stdout, done)
        panels = ("succeeded (", "gas a cycle", "margin before gas: ", "errors of this run: none")
        self.check("monitor has its panels", done.returncode == 0 and all(panel in done.stdout for panel in panels), done)

    def approve_from_bot(self, token, spender, amount):
        me = self.bot.address
        self.node.call("anvil_impersonateAccount", me)
        self.node.send(me, self.node.at[token], "0x095ea7b3" + word(self.node.at[spender]) + word(amount))
        self.node.call("anvil_stopImpersonatingAccount", me)

    def old_node(self):
        """The same market on a node of before Prague."""
        port = free_port()
        state = self.node.call("anvil_dumpState")
        old = subprocess.Popen([str(self.anvil), "--port", str(port), "--chain-id", str(CHAIN_ID), "--hardfork", "cancun", "--silent"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            new_url, self.node.url = self.node.url, f"http://127.0.0.1:{port}"
            until(self.node.answers, 20)
            self.node.call("anvil_loadState", state)
            ws = self.node.url.replace("http", "ws")
            only = self.fault("a node without EIP-7702", r"no EIP-7702", [
                f"instances.chain.endpoints.ws.url={ws}", f"instances.chain.endpoints.http={self.node.url}"])
            self.check("... and that alone", len(only) == 1, only)
        finally:
            self.node.url = new_url
            end(old)

    # ---- approvals ----

    def allowances(self):
        return {(p["token"], p["spender"]): int(p["amount"]) for p in json.loads(self.call("--json", "approvals", "list").stdout)}

    def approvals(self, full):
        before = self.allowances()
        self.check("approvals are listed by pair", len(before) == 12 and min(before.values()) == 2 ** 256 - 1, before)
        done = self.call("approvals", "revoke")
        self.check("revoke shows what it would do, and does nothing", done.returncode == 0 and done.stdout.count("revoke ") == 12 and
                   "nothing was proposed" in done.stdout and self.allowances() == before, done)
        done = self.call("approvals", "revoke", "--send")
        self.check("alone, without --live, nothing is signed", done.returncode == 1 and self.allowances() == before, done)
        self.bot.host.start()
        ready = until(lambda: self.live("approvals", "list").returncode == 0, 20, 0.3)
        self.check("a running host answers", ready, "".join(self.bot.host.logs())[-1500:])
        done = self.live("approvals", "revoke", "--send")
        after = self.allowances()
        self.check("revoke --send takes all back", done.returncode == 0 and done.stdout.endswith("confirmed\n") and
                   set(after.values()) == {0}, (done, after, "".join(self.bot.host.logs())[-1500:]))
        done = self.live("approvals", "revoke", "--send")
        self.check("... and a second time there is nothing to do", done.returncode == 0 and done.stdout == "nothing to do\n", done)
        if full:
            done = self.live("approvals", "set", "amount=12.5", "--send")
            self.check("set --send gives an amount", done.returncode == 0 and set(self.allowances().values()) == {125 * 10 ** 17}, done)
        done = self.live("approvals", "set", "--send")
        self.check("set --send gives all there is", done.returncode == 0 and self.allowances() == before, done)
        done = self.live("approvals", "set", "amount=much")
        self.check("what is no amount is refused", done.returncode == 2 and "amount" in done.stdout, done)
        self.questions()
        self.bot.host.stop()


def main(hawse, plugins, anvil, rig, full=""):
    with tempfile.TemporaryDirectory(prefix="hawse-verbs-") as name:
        trial = Trial(pathlib.Path(hawse).resolve(), pathlib.Path(plugins).resolve(), anvil, rig, pathlib.Path(name))
        try:
            Forked(trial, trial.hawse, trial.plugins, anvil, trial.node, trial.folder / "bot/hawse.json").scenarios(["thin"])
            trial.verify()
            trial.words()
            trial.old_node()
            trial.approvals(full == "--full")
        finally:
            trial.node.stop()
        return 1 if trial.report() else 0


sys.exit(main(*sys.argv[1:]))
