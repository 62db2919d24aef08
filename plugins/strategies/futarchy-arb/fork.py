#!/usr/bin/env python3
"""An operator's own configuration on a fork of the chain, before it runs on the chain itself.

    fork.py CONFIG INSTANCE --fork-url URL [--amount 0.01] [--scenarios now,normal,volatile,thin,large] [--anvil PROGRAM]

INSTANCE is one of futarchy-arb in CONFIG. anvil (Foundry) forks the node at URL; everything goes on in a folder that is made
for it, with a key made for it: of CONFIG neither keys nor endpoints are used, and nothing is sent to URL but questions.
Only INSTANCE and what it links to run, in mode live on the fork, with the limits that CONFIG has.

  now       the market as it is
  normal    the company token is sold or bought at the spot price until it has moved by some per cent
  volatile  the same after five trades to and fro
  thin      nine tenths of the liquidity of both outcomes' pools is taken out before
  large     a far larger move, and a hundred times the amount

Whoever holds most (the vault) is impersonated for coins and tokens; what a token does not let go is said. For each scenario the
trade's predicted gain and gas are printed beside the actual ones. Ends with 0 when `verify` is green and nothing that was
sent lost or failed, else with 1. Needs Python 3.9, anvil and hawse; owns what it starts, and ends it.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

E18 = 10 ** 18
DECIDED = re.compile(r"trade (\d+): (buy|sell), block (\d+), (one bundle|one by one)")
ENDED = re.compile(r"trade (\d+) (succeeded|failed) \((\w+)\): gain (-?\d+) wei, predicted (-?\d+), gas (\d+)")
MINT = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
BURN = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
WHOLE = 2 ** 256
CALM = 64


class Refused(Exception):
    """What an operator can do something about, in words."""


def word(value):
    return value[2:].lower().rjust(64, "0") if isinstance(value, str) else f"{value % WHOLE:064x}"


def address_in(answer):
    return "0x" + answer[-40:]


class Fork:
    """anvil on the node at `url`, and what can be asked of it."""

    def __init__(self, anvil, url, chain_id, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url, self.ids, self.folder = f"http://127.0.0.1:{self.port}", 0, folder
        command = [anvil, "--fork-url", url, "--chain-id", str(chain_id), "--hardfork", "prague", "--port", str(self.port), "--silent",
                   "--auto-impersonate", "--no-rate-limit"]
        with open(folder / "anvil.log", "w", encoding="utf-8") as log:
            try:
                self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            except OSError as error:
                raise Refused(f"{anvil}: {error.strerror}; install Foundry's anvil, or name it with --anvil") from error
        stop = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > stop:
                raise Refused(f"anvil does not fork that node: {(folder / 'anvil.log').read_text()[-400:]}")
            time.sleep(0.1)

    def answers(self):
        try:
            return self.call("eth_blockNumber")
        except OSError:
            return None

    def call(self, method, *params):
        self.ids += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as said:
            answer = json.load(said)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def view(self, to, data):
        return self.call("eth_call", {"to": to, "data": data}, "latest")

    def balance(self, token, who):
        return int(self.view(token, "0x70a08231" + word(who)), 16)

    def send(self, sender, to, data):
        """From anybody; False when it reverts."""
        self.call("anvil_setBalance", sender, hex(10 ** 21))
        try:
            at = self.call("eth_sendTransaction", {"from": sender, "to": to, "data": data, "gas": hex(3000000),
                                                      "maxPriorityFeePerGas": "0x1", "maxFeePerGas": hex(10 ** 12)})
        except RuntimeError:
            return False
        stop = time.monotonic() + 10
        while not (receipt := self.call("eth_getTransactionReceipt", at)) and time.monotonic() < stop:
            time.sleep(0.01)
        return bool(receipt) and receipt["status"] == "0x1"

    def mine(self):
        self.call("evm_mine")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Market:
    """Of the strategy's settings: who trades in it, and how it is moved."""

    def __init__(self, fork, settings, pools):
        self.fork, self.set, self.pools = fork, settings, pools
        self.vault, self.sdai, self.spot_pool = settings["vault"], settings["sdai"], settings["spot_pool"]
        both = [address_in(fork.view(settings["proposal"], selector)) for selector in ("0x4d7b0900", "0xc4a091d2")]
        self.company = next(t for t in both if t.lower() != self.sdai.lower())
        self.other = "0x" + "f0" * 20  # another trader: an account that the chain has not seen

    def prepare(self, account):
        """The account gets sDAI, the other trader both tokens of the spot pool."""
        for token, who, part in ((self.sdai, account, 20), (self.sdai, self.other, 3), (self.company, self.other, 3)):
            have = self.fork.balance(token, self.vault)
            amount = min(have // part, 10 ** 6 * E18)
            if amount == 0 or not self.fork.send(self.vault, token, "0xa9059cbb" + word(who) + word(amount)):
                raise Refused(f"{token}: the vault has {have} and lets none go: give {who} some by another way")
            self.fork.send(self.other, token, "0x095ea7b3" + word(self.vault) + word(WHOLE - 1))
        self.fork.call("anvil_setBalance", account, hex(10 ** 20))
        self.fork.call("anvil_mine", hex(CALM))  # fees come down, as others' do not count here

    def depth(self):
        """Company tokens and sDAI in the spot pool."""
        raw = bytes.fromhex(self.fork.view(self.vault, "0xf94d4668" + self.spot_pool[2:])[2:])
        words = [int.from_bytes(raw[i:i + 32], "big") for i in range(0, len(raw), 32)]
        tokens, balances = words[0] // 32, words[1] // 32
        found = {f"0x{words[tokens + 1 + i]:040x}": words[balances + 1 + i] for i in range(words[tokens])}
        return found[self.company.lower()], found[self.sdai.lower()]

    def move(self, company_in, ppm):
        """Another trader puts so much of the pool's balance into it; the price moves by about twice as much."""
        amount = self.depth()[0 if company_in else 1] * ppm // 10 ** 6
        pair = (self.company, self.sdai) if company_in else (self.sdai, self.company)
        data = ("0x52bbbe29" + word(0xe0) + word(self.other) + word(0) + word(self.other) + word(0) + word(0) + word(2 ** 40) +
                self.spot_pool[2:] + word(0) + word(pair[0]) + word(pair[1]) + word(amount) + word(0xc0) + word(0))
        if not self.fork.send(self.other, self.vault, data):
            raise Refused("another trader's swap in the spot pool reverts: is it paused?")

    def drain(self):
        """Owners of positions take nine tenths out, where their positions can be told from the logs."""
        done = 0
        for pool in self.pools:
            logs = self.fork.call("eth_getLogs", {"address": pool, "fromBlock": hex(self.set.get("pools_from_block", 0)),
                                                  "toBlock": "latest", "topics": [[MINT, BURN]]})
            held = {}
            for log in logs:
                where = tuple(log["topics"][1:4])
                mint = log["topics"][0] == MINT
                data = log["data"][2:]
                # Mint has its sender before the amount
                amount = int(data[64:128] if mint else data[:64], 16)
                held[where] = held.get(where, 0) + (amount if mint else -amount)
            for (owner, bottom, top), amount in held.items():
                burn = "0xa34123a7" + bottom[2:] + top[2:] + word(amount * 9 // 10)
                done += amount > 0 and self.fork.send(address_in(owner), pool, burn)
        if done == 0:
            raise Refused("no position of the pools could be made smaller; set pools_from_block to where they were made")


class Trial:
    def __init__(self, options, folder):
        self.o, self.folder, self.host, self.log_at = options, folder, None, 0
        self.config = json.loads(pathlib.Path(options.config).read_text())
        self.env = {**os.environ}
        self.arb = self.config["instances"].get(options.instance) or self.no_instance()
        self.settings = self.arb["settings"]
        self.settings.setdefault("vault", "0xBA12222222228d8Ba445958a75a0704d566BF2C8")
        self.settings.setdefault("sdai", "0xaf204776c7245bF4147c2612BF6e5972Ee483701")
        self.chain = self.settings["chain"]
        self.fork = Fork(options.anvil, options.fork_url, self.config["chains"][self.chain]["chain_id"], folder)
        self.block = int(self.fork.call("eth_blockNumber"), 16)

    def no_instance(self):
        raise Refused(f"{self.o.config}: no instance \"{self.o.instance}\"; it has {', '.join(self.config['instances'])}")

    # ---- a configuration that knows the fork alone ----

    def linked(self):
        """The instance and all that it links to."""
        found, more = set(), [self.o.instance]
        while more:
            name = more.pop()
            if name not in found:
                found.add(name)
                more += self.config["instances"][name].get("links", {}).values()
        return found

    def make_key(self):
        (self.folder / "pass").write_text("of a fork, worth nothing\n")
        (self.folder / "pass").chmod(0o600)
        done = self.run("keys", "new", self.settings["account"], "--dir", str(self.folder / "keys"), "--cost", "interactive",
                        "--passphrase-file", str(self.folder / "pass"), "--json")
        found = re.search(r"0x[0-9a-fA-F]{40}", done.stdout)
        if not found:
            raise Refused(done.stdout + done.stderr)
        return found.group(0)

    def endpoints(self, name):
        """Those of the fork in their place, whatever they are."""
        has = self.config["instances"][name].get("endpoints", {})
        return {k: {"url": self.fork.url.replace("http", "ws")} if k.startswith("ws") else self.fork.url for k in has}

    def write(self, account):
        instances = {}
        for name in self.linked():
            one = dict(self.config["instances"][name])
            one.pop("credentials", None)
            if "endpoints" in one:
                one["endpoints"] = self.endpoints(name)
            instances[name] = one
        amount = str(self.o.amount)
        instances[self.o.instance] = {**self.arb, "mode": "live", "settings": {
            **self.settings, "address": account, "test_mode": False, "stage": "fixed", "amount": amount, "min_profit": "0",
            "max_bundle_amount": str(100 * self.o.amount), "tip_wei": 1, "interval_s": 0}}
        chain = dict(self.config["chains"][self.chain])
        chain["providers"] = [{"name": "fork", "http": self.fork.url, "per_second": 0}]
        chain["tx"] = {k: v for k, v in chain.get("tx", {}).items() if not k.startswith(("relay", "private", "tenderly"))}
        chain["tx"].update({"confirmations": 1, "min_tip_wei": 1})
        chain["tx"].pop("finality", None)
        chain.pop("safes", None)
        self.mine = {"hawse": 1, "control": {"socket": "control.sock"}, "state_dir": "state",
                     "keys": {"dir": "keys", "use": {self.settings["account"]: {"unlock": f"file:{self.folder / 'pass'}"}}},
                     "chains": {self.chain: chain}, "instances": instances}
        for key in ("plugins", "allow", "features"):
            if key in self.config:
                self.mine[key] = self.config[key]
        self.save()

    def save(self):
        (self.folder / "hawse.json").write_text(json.dumps(self.mine, indent=1) + "\n")

    # ---- hawse ----

    def run(self, *words, timeout=120):
        return subprocess.run([self.o.hawse, *words], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=timeout)

    def ask(self, *words):
        """Of the running host; blocks come meanwhile."""
        command = [self.o.hawse, "call", "--socket", "control.sock", "--timeout", "90", self.o.instance, *words]
        process = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while process.poll() is None:
            self.fork.mine()
            time.sleep(0.1)
        return process.returncode, process.stdout.read()

    def start(self):
        with open(self.folder / "host.log", "a", encoding="utf-8") as log:
            self.host = subprocess.Popen([self.o.hawse, "run", "hawse.json"], cwd=self.folder, env=self.env, stdout=log,
                                         stderr=subprocess.STDOUT)
        if not self.wait(lambda text: "tokens are known" in text, 60):
            raise Refused(f"the strategy does not get to know its market:\n{self.log()[-1500:]}")

    def stop(self):
        if self.host:
            self.host.terminate()
            try:
                self.host.wait(20)
            except subprocess.TimeoutExpired:
                self.host.kill()
                self.host.wait()
        self.host = None

    def log(self):
        return (self.folder / "host.log").read_text(errors="replace")

    def wait(self, what, seconds):
        stop = time.monotonic() + seconds
        while time.monotonic() < stop and self.host.poll() is None:
            if what(self.log()[self.log_at:]):
                return True
            self.fork.mine()
            time.sleep(0.2)
        return False

    # ---- scenarios ----

    def gas_of(self, number):
        """Simulated and used, of the last transaction of a trade."""
        with sqlite3.connect(f"file:{self.folder / 'state/journal.db'}?mode=ro", uri=True) as db:
            row = db.execute("select step.data from step join intent on intent.number = step.intent where intent.id like ? and step.step = 8 "
                             "order by step.seq desc", (f"arb-%-{number}",)).fetchone()
        found = json.loads(row[0]).get("figures", {}) if row else {}
        return int(found.get("gas_simulated", 0)), int(found.get("gas_used", 0))

    def plant(self, name, market):
        if name == "normal":
            market.move(True, 20000)
        elif name == "volatile":
            for company_in in (True, False, True, False, True):
                market.move(company_in, 30000)
                self.fork.mine()
        elif name == "thin":
            market.drain()
            market.move(False, 30000)
        elif name == "large":
            market.move(True, 120000)

    def scenario(self, name, market):
        """Its line, and whether all is well with it. The host starts anew: what is planted is one change to it, and the amount
        is another setting."""
        self.stop()
        times = 100 if name == "large" else 1
        self.mine["instances"][self.o.instance]["settings"]["amount"] = str(times * self.o.amount)
        self.save()
        try:
            self.plant(name, market)
        except Refused as why:
            return f"  {name:9} not planted: {why}", name == "thin"
        self.log_at = len(self.log()) if (self.folder / "host.log").exists() else 0
        self.start()
        # one trade, and all that it takes to be sure of it
        self.wait(lambda text: ENDED.search(text), self.o.seconds)
        text = self.log()[self.log_at:]
        decided, ended = DECIDED.search(text), ENDED.search(text)
        self.stop()
        if not ended:
            why = "no trade is worth it" if not decided else "a trade did not end in time"
            return f"  {name:9} {why}", decided is None and name == "now"
        number, how, why, gain, predicted, gas = ended.groups()
        gain, predicted = int(gain), int(predicted)
        simulated, used = self.gas_of(number)
        if how != "succeeded":
            said = [line for line in text.splitlines() if f"trade {number}" in line]
            return f"  {name:9} {decided.group(2)} {how} ({why}): " + said[-2 if len(said) > 1 else -1][-200:], False
        off = (gain - predicted) / predicted * 1e6 if predicted else 0
        gas_off = (used - simulated) / simulated * 100 if simulated else 0
        return (f"  {name:9} {decided.group(2):4} predicted {predicted / E18:.9f} sDAI, actual {gain / E18:.9f} ({off:+.0f} ppm); "
                f"gas simulated {simulated}, used {used or gas} ({gas_off:+.1f} %)"), gain > 0

    def verify(self):
        """Approvals are given on the fork, then all is looked at."""
        spenders = self.mine["instances"][self.o.instance].get("limits", {}).get(self.chain, {}).get("counterparties", {})
        for key in ("router", "swap_router", "vault"):
            for who in spenders:
                if who.lower() == self.settings[key].lower():
                    spenders[who]["spender"] = "unlimited"
        self.save()
        self.start()
        status, said = self.ask("approvals", "set", "--send")
        if status != 0:
            print(said + self.log()[-800:])
        status, said = self.ask("verify")
        print(said.rstrip())
        return status == 0

    def all(self):
        account = self.make_key()
        self.write(account)
        market = Market(self.fork, self.settings, self.conditional_pools())
        market.prepare(account)
        print(f"fork of {self.o.fork_url.split('?')[0].split('@')[-1][:60]} at block {self.block}; account {account} exists here alone")
        good = self.verify()
        print(f"predicted and actual, at most {self.o.amount} sDAI in:")
        for name in self.o.scenarios.split(","):
            line, well = self.scenario(name, market)
            good = good and well
            print(line, flush=True)
        print("all is well" if good else "NOT well: see above")
        return good

    def conditional_pools(self):
        """Of YES and NO, as the venue's settings name them: the company token's of each outcome against its sDAI."""
        outcome = [address_in(self.fork.view(self.settings["proposal"], "0x18a988a8" + word(i))[:66]) for i in range(4)]
        venue = self.config["instances"][self.arb["links"]["swapr"]]["settings"].get("pools", [])
        found = []
        for pool in venue:
            pair = {address_in(self.fork.view(pool, selector)).lower() for selector in ("0x0dfe1681", "0xd21220a7")}
            if len(pair & {o.lower() for o in outcome}) == 2:
                found.append(pool)
        return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config")
    p.add_argument("instance")
    p.add_argument("--fork-url", required=True, help="the node that is forked; it is asked, nothing is sent to it")
    p.add_argument("--amount", type=float, default=0.01, help="sDAI that goes in at most")
    p.add_argument("--scenarios", default="now,normal,volatile,thin,large")
    p.add_argument("--seconds", type=float, default=30, help="that a scenario may take")
    p.add_argument("--anvil", default="anvil")
    p.add_argument("--hawse", default="hawse")
    p.add_argument("--keep", action="store_true", help="leave the folder with configuration, log and journal")
    options = p.parse_args()
    unknown = set(options.scenarios.split(",")) - {"now", "normal", "volatile", "thin", "large"}
    if unknown:
        p.error(f"--scenarios: there is no {', '.join(sorted(unknown))}")
    folder, trial, good = pathlib.Path(tempfile.mkdtemp(prefix="hawse-fork-")), None, False
    try:
        trial = Trial(options, folder)
        good = trial.all()
    except (Refused, RuntimeError, KeyError, OSError) as why:
        print(f"fork.py: {'not in the configuration: ' if isinstance(why, KeyError) else ''}{why}", file=sys.stderr)
    finally:
        if trial:
            trial.stop()
            trial.fork.stop()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
