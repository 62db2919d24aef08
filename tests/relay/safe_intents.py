#!/usr/bin/env python3
"""Intents of a Safe, on a real node (anvil) with the real contracts (Safe 1.4.1, from npm): owners' keys sign what every
gate passed, the executor sends it, and the chain holds each intent once or not at all: also when somebody else uses the
Safe's nonce, when a success is none, across a crash, and when other owners have to agree first. What leaves the Safe is
held against the limits, and what would change it is refused. Prints TAP.

    safe_intents.py HAWSE PLUGIN_DIR ANVIL
"""
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "intents"))
from rig import COUNTER, TARGET, Host, make_key, report  # noqa: E402
from troubles import END, FAILS, STEPS, Troubles, hit  # noqa: E402

ARTIFACTS = pathlib.Path(__file__).resolve().parent / "node_modules/@safe-global/safe-contracts/build/artifacts/contracts"
FRIEND = "0x00000000000000000000000000000000000fee01"
STRANGER = "0x00000000000000000000000000000000000fee02"
COIN = "0x" + "0" * 40
ETHER = 10 ** 18
SUCCESS = "442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e"  # ExecutionSuccess(bytes32,uint256)
FAILURE = "23428b18acfb3ea64b08dc0c1d296ea9c09702c09083ca5272e64d115b687d23"  # ExecutionFailure(bytes32,uint256)


def word(value):
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def tail(data):
    """bytes behind their length, padded."""
    data = data.removeprefix("0x")
    return word(len(data) // 2) + data + "0" * (-len(data) % 64)


class Service(http.server.BaseHTTPRequestHandler):
    """A stand-in for the Safe Transaction Service, which cannot be run here: keeps a proposal and tells it with what was
    confirmed. What it takes is what api-kit 5.0.3 sends (tests/vectors/safe-tx.json has the hashes)."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, value):
        text = json.dumps(value).encode() if value is not None else b""
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.proposals[body["contractTransactionHash"]] = {"path": self.path, "body": body}
        self.server.keys.append(self.headers["authorization"])
        self.reply(201, None)

    def do_GET(self):
        hash_of = self.path.rstrip("/").rsplit("/", 1)[1]
        proposal = self.server.proposals.get(hash_of)
        if not proposal:
            self.reply(404, {"detail": "Not found."})
            return
        body = {k: v for k, v in proposal["body"].items() if k not in ("sender", "signature", "origin")}
        body["safeTxHash"] = body.pop("contractTransactionHash")
        self.reply(200, {**body, "isExecuted": False, "confirmations": self.server.confirmations.get(hash_of, [])})


class Safes(Troubles):
    def config(self):
        config = super().config()
        local = config["chains"]["local"]
        local["tx"].pop("executor")
        mine = {"executor": "bot", "owners": ["owner-a", "owner-b"], "batch": self.batch}
        local["safes"] = {"treasury": {"address": self.treasury, **mine},
                          "loose": {"address": self.treasury, **mine, "batch": self.loose},
                          "shared": {"address": self.shared, **mine, "owners": ["owner-a"], "service": {
                              "url": f"http://127.0.0.1:{self.service.server_address[1]}/api",
                              "headers": {"Authorization": "Bearer of the trial"}}}}
        limits = config["instances"]["operator"]["limits"]["local"]
        limits["code"] = []
        limits["assets"] = {"coin": {"decimals": 18, "per_intent": "1", "per_day": "3", "keep": "1"}}
        limits["counterparties"].update({FRIEND: {"recipient": True}, self.treasury: {
            "functions": ["changeThreshold(uint256)", "addOwnerWithThreshold(address,uint256)"]}})
        return config

    # ---- the chain ----

    def transact(self, to, data, sender=None, mine=True, tip=10 ** 9):
        tx = {"from": sender or self.dev, "data": data, "gas": hex(8000000), "maxFeePerGas": hex(60 * 10 ** 9),
              "maxPriorityFeePerGas": hex(tip)}
        tx_hash = self.node.call("eth_sendTransaction", {**tx, "to": to} if to else tx)
        if not mine:
            return tx_hash
        self.node.call("evm_mine")
        return self.node.call("eth_getTransactionReceipt", tx_hash)

    def deploy(self, path, arguments=""):
        code = json.loads((ARTIFACTS / f"{path}.json").read_text())["bytecode"]
        return self.transact(None, code + arguments)["contractAddress"]

    def make_safe(self, owners, threshold):
        proxy = self.deploy("proxies/SafeProxy.sol/SafeProxy", word(self.master))
        listed = word(len(owners)) + "".join(word(o) for o in owners)
        head = [word(256), word(threshold), word(0), word(256 + len(listed) // 2), word(0), word(0), word(0), word(0)]
        self.transact(proxy, "0xb63e800d" + "".join(head) + listed + tail(""))
        self.node.call("anvil_setBalance", proxy, hex(100 * ETHER))
        return proxy

    def safe_nonce(self, safe=None):
        return int(self.node.call("eth_call", {"to": safe or self.treasury, "data": "0xaffed0e0"}, "latest"), 16)

    def balance(self, address):
        return int(self.node.call("eth_getBalance", address, "latest"), 16)

    def call_data(self, to, data, signatures):
        inner = tail(data)
        head = [word(to), word(0), word(320), word(0)] + [word(0)] * 5 + [word(320 + len(inner) // 2)]
        return "0x6a761202" + "".join(head) + inner + tail(signatures)

    def by_owners(self, to, data):
        """Another transaction with the Safe's nonce, by owners who approve it on the chain."""
        inner = tail(data)
        head = [word(to), word(0), word(320), word(0)] + [word(0)] * 5 + [word(self.safe_nonce())]
        safe_hash = self.node.call("eth_call", {"to": self.treasury, "data": "0xd8d11f78" + "".join(head) + inner}, "latest")
        owners = sorted([self.addresses["owner-a"], self.addresses["owner-b"]], key=lambda a: int(a, 16))
        for owner in owners:
            self.node.call("anvil_setBalance", owner, hex(ETHER))
            self.node.call("anvil_impersonateAccount", owner)
        approvals = [self.transact(self.treasury, "0xd4d9bdcd" + safe_hash[2:], owner, mine=False) for owner in owners]
        return approvals, self.call_data(to, data, "".join(word(o) + word(0) + "01" for o in owners))

    def propose(self, name, calls, account="treasury", **more):
        return self.send(name, calls, account=account, how="safe", **more)

    def until_sent(self, name, seconds=15):
        """Until its transaction is in the node's pool; no block is made after that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not {"SEEN", *END} & set(self.words(name)):
            time.sleep(0.05)
        row = [r for r in self.steps(name) if STEPS[r[0]] == "SENT"]
        return self.node.call("eth_getTransactionByHash", row[-1][3]) if row else None

    def signed_hash(self, name):
        return next(r[3][2:] for r in self.steps(name) if STEPS[r[0]] == "SIGNED")

    def refused(self, what, name, calls, gate, words="", account="treasury", **more):
        nonce = self.safe_nonce()
        done = self.propose(name, calls, account=account, **more)
        self.until(name, "REFUSED")
        last = self.steps(name)[-1] if self.steps(name) else (0, 0, "{}", b"")
        data = json.loads(last[2] or "{}")
        self.check(what, STEPS.get(last[0]) == "REFUSED" and data.get("gate") == gate and words in data.get("reason", "")
                   and self.safe_nonce() == nonce and "SIGNED" not in self.words(name), (last, done.stderr))

    # ---- trials ----

    def examined(self):
        done = subprocess.run([str(self.hawse), "doctor", str(self.folder / "hawse.json")], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "HAWSE_PLUGIN_PATH": str(self.plugins)})
        lines = [line for line in done.stdout.splitlines() if "chains.local.safes" in line]
        self.check("the doctor says whose Safes they are, and what is wrong with one", any(
            "good chains.local.safes.treasury: is a Safe of 3 owners, of whom 2 agree; 2 of their keys are ours" in line
            for line in lines) and any("safes.shared: is a Safe of 2 owners" in line and "waits for other owners" in line
                                       for line in lines)
            and any("safes.loose: batch:" in line for line in lines), (lines, done.stdout[-800:], done.stderr[-300:]))

    def executed(self):
        self.propose("one", [{"to": TARGET, "data": hit(1)}])
        words = self.until("one", "CONFIRMED")
        self.check("the owners sign what was simulated, and the Safe does it", self.count(1) == 1 and self.safe_nonce() == 1
                   and words == ["PROPOSED", "GATED", "SIGNED", "SIMULATED", "SIGNED", "SENT", "SEEN", "INCLUDED",
                                 "CONFIRMED"], (words, self.steps("one")[-1]))
        self.propose("three", [{"to": TARGET, "data": hit(n)} for n in (2, 3, 4)])
        words = self.until("three", "CONFIRMED")
        self.check("several calls are one transaction of the Safe", [self.count(n) for n in (2, 3, 4)] == [1, 1, 1]
                   and self.safe_nonce() == 2 and words[-1] == "CONFIRMED", (words, self.steps("three")[-1]))

    def money(self):
        before, mine = self.balance(self.treasury), self.balance(self.addresses["bot"])
        flows = [{"asset": COIN, "max_out": str(ETHER // 2), "min_in": "0", "expected_in": "0"}]
        self.propose("pay", [{"to": FRIEND, "value": str(ETHER // 2)}], flows=flows)
        words = self.until("pay", "CONFIRMED")
        self.check("the Safe pays, and the executor its gas alone", words[-1] == "CONFIRMED" and self.balance(FRIEND) ==
                   ETHER // 2 and before - self.balance(self.treasury) == ETHER // 2
                   and 0 < mine - self.balance(self.addresses["bot"]) < ETHER // 10, (words, self.steps("pay")[-1]))
        pay = {"to": FRIEND, "value": str(ETHER // 2)}
        self.refused("more than the intent says may leave is refused", "more", [pay], "simulation", "would leave",
                     flows=[{**flows[0], "max_out": str(ETHER // 4)}])
        self.refused("what leaves the Safe is held against the operator's limit", "above", [{**pay, "value": str(2 * ETHER)}],
                     "limits", "per_intent", flows=[{**flows[0], "max_out": str(2 * ETHER)}])
        self.node.call("anvil_setBalance", self.treasury, hex(ETHER + ETHER // 4))
        self.refused("and against what the Safe has and is to keep", "keep", [pay], "funds", "missing", flows=flows)
        self.node.call("anvil_setBalance", self.treasury, hex(100 * ETHER))

    def gates(self):
        self.refused("a function that is not listed", "selector", [{"to": TARGET, "data": hit(5)},
                                                                   {"to": TARGET, "data": "0xdeadbeef"}], "calls", "call 2")
        self.refused("a contract that is not listed", "target", [{"to": STRANGER, "data": hit(5)}], "calls")
        self.refused("a receiver that is not listed", "receiver", [{"to": STRANGER, "value": "1"}], "calls", flows=[
            {"asset": COIN, "max_out": "1", "min_in": "0", "expected_in": "0"}])
        self.refused("a call that fails inside", "fails", [{"to": FAILS, "data": hit(5)}], "simulation", "GS013")
        inner = self.call_data(TARGET, "0xdeadbeef", "00" * 65)
        self.refused("a Safe's transaction inside of it", "inside", [{"to": STRANGER, "data": inner}], "calls")
        nonce = self.safe_nonce()
        for name, data in (("threshold", "0x694e80c3" + word(1)), ("owner", "0x0d582f13" + word(STRANGER) + word(1))):
            self.propose(name, [{"to": TARGET, "data": hit(5)}, {"to": self.treasury, "data": data}])
            self.until(name, "REFUSED")
            last = self.steps(name)[-1]
            self.check(f"the Safe itself stays as it is, also where its {name} is listed", STEPS[last[0]] == "REFUSED"
                       and "the Safe itself" in last[2] and self.safe_nonce() == nonce, last)
        self.propose("batch", [{"to": TARGET, "data": hit(5)}] * 2, account="loose")
        self.until("batch", "REFUSED")
        last = self.steps("batch")[-1]
        self.check("no other code runs as the Safe's own", STEPS[last[0]] == "REFUSED" and "MultiSendCallOnly" in last[2]
                   and self.count(5) == 0, last)
        done = self.propose("nobody", [{"to": TARGET, "data": hit(5)}], account="nowhere")
        self.check("a Safe that is not configured", done.returncode != 0 and "safes" in done.stdout + done.stderr,
                   done.stdout + done.stderr)

    def together(self):
        for n in (6, 7, 8):
            self.propose(f"at-once-{n}", [{"to": TARGET, "data": hit(n)}])
        ends = [self.until(f"at-once-{n}", "CONFIRMED", seconds=25)[-1] for n in (6, 7, 8)]
        self.check("intents at once have nonces of their own", ends == ["CONFIRMED"] * 3
                   and [self.count(n) for n in (6, 7, 8)] == [1, 1, 1], ends)

    def overtaken(self):
        """Who sees the signatures may execute them: it counts as done."""
        self.propose("copied", [{"to": TARGET, "data": hit(9)}])
        ours = self.until_sent("copied")
        theirs = self.transact(self.treasury, ours["input"], mine=False, tip=40 * 10 ** 9)
        self.mine(1)
        receipts = [self.node.call("eth_getTransactionReceipt", h) for h in (theirs, ours["hash"])]
        words = self.until("copied", "CONFIRMED")
        last = self.steps("copied")[-1]
        self.check("what somebody else executed with our signatures is confirmed, once", words[-1] == "CONFIRMED"
                   and self.count(9) == 1 and [r["status"] for r in receipts] == ["0x1", "0x0"]
                   and last[3] == theirs and "not ours" in last[2], (words, last))

    def foreign(self):
        """The Safe's nonce goes to another transaction of its owners."""
        approvals, data = self.by_owners(TARGET, hit(10))
        self.mine(1)
        self.propose("late", [{"to": TARGET, "data": hit(11)}])
        self.until_sent("late")
        self.transact(self.treasury, data, mine=False, tip=40 * 10 ** 9)
        self.mine(1)
        words = self.until("late", "FAILED")
        self.check("one whose nonce another transaction of the Safe used is not executed, and ends", words[-1] == "FAILED"
                   and self.count(10) == 1 and self.count(11) == 0 and len(approvals) == 2,
                   (words, self.steps("late")[-1]))
        self.propose("after", [{"to": TARGET, "data": hit(12)}])
        self.until("after", "CONFIRMED")
        self.check("the next one has the next nonce", self.count(12) == 1, self.words("after"))

    def hollow(self):
        """A transaction that succeeds, of a Safe that says that the call inside failed."""
        self.propose("hollow", [{"to": TARGET, "data": hit(13)}])
        self.until_sent("hollow")
        code = self.node.call("eth_getCode", self.treasury, "latest")
        self.node.call("anvil_setCode", self.treasury,
                       "0x7f" + self.signed_hash("hollow") + "7f" + FAILURE + "60206000a200")
        self.node.call("evm_mine")
        self.node.call("anvil_setCode", self.treasury, code)
        words = self.until("hollow", "FAILED")
        last = self.steps("hollow")[-1]
        self.check("an execTransaction that succeeds while the call inside failed has failed", words[-1] == "FAILED"
                   and "call inside failed" in last[2] and self.count(13) == 0, (words, last))

    def crashed(self):
        self.propose("crash", [{"to": TARGET, "data": hit(14)}])
        self.until_sent("crash")
        self.host.kill()
        self.host.start()
        words = self.until("crash", "CONFIRMED", seconds=20)
        self.check("what was sent before a crash is known after it", words[-1] == "CONFIRMED" and self.count(14) == 1, words)
        self.propose("early", [{"to": TARGET, "data": hit(15)}])
        end = time.monotonic() + 10
        while "SIGNED" not in self.words("early") and time.monotonic() < end:
            time.sleep(0.005)
        self.host.kill()  # the owners have signed
        self.host.start()
        words = self.until("early", "CONFIRMED", seconds=20)
        self.check("what owners had signed before a crash is executed once", words[-1] == "CONFIRMED"
                   and self.count(15) == 1, words)

    def shared_out(self):
        self.propose("ours", [{"to": TARGET, "data": hit(16)}], account="shared", note="for the other owner")
        words = self.until("ours", "WAITING")
        time.sleep(0.3)
        hash_of = self.signed_hash("ours")
        files = list((self.folder / "state/safe").glob("*.json"))
        proposal = json.loads(files[0].read_text()) if files else {}
        told = self.service.proposals.get("0x" + hash_of)
        self.check("where an owner of others is needed there is a proposal, in a file and at the service",
                   words[-1] == "WAITING" and proposal.get("contractTransactionHash") == "0x" + hash_of and told
                   and told["body"] == proposal and proposal["origin"] == "for the other owner"
                   and told["path"].lower() == f"/api/v2/safes/{self.shared}/multisig-transactions/".lower()
                   and self.service.keys == ["Bearer of the trial"], (words, files, told))
        self.mine(3)
        self.transact(self.shared, "0xd4d9bdcd" + hash_of)
        signature = "0x" + word(self.dev) + word(0) + "01"
        signed = files[0].with_name(files[0].name.replace(".json", ".signed.json"))
        signed.write_text(json.dumps({"safeTxHash": "0x" + hash_of, "confirmations": [
            {"owner": self.dev, "signature": signature}]}))
        words = self.until("ours", "CONFIRMED", seconds=20)
        self.check("when the other owner has signed it is executed, once", words[-1] == "CONFIRMED"
                   and self.count(16) == 1 and self.safe_nonce(self.shared) == 1, (words, self.steps("ours")[-1]))
        self.propose("elsewhere", [{"to": TARGET, "data": hit(17)}], account="shared")
        self.until("elsewhere", "WAITING")
        time.sleep(0.3)
        hash_of = self.signed_hash("elsewhere")
        told = self.service.proposals["0x" + hash_of]["body"]
        self.transact(self.shared, "0xd4d9bdcd" + hash_of)
        parts = sorted([(int(self.addresses["owner-a"], 16), told["signature"][2:]), (int(self.dev, 16), signature[2:])])
        self.transact(self.shared, self.call_data(TARGET, hit(17), "".join(p[1] for p in parts)))
        self.service.confirmations["0x" + hash_of] = [{"owner": self.dev, "signature": signature}]
        words = self.until("elsewhere", "CONFIRMED", seconds=25)
        self.check("and when they executed it themselves, it is done", words[-1] == "CONFIRMED" and self.count(17) == 1
                   and self.safe_nonce(self.shared) == 2, (words, self.steps("elsewhere")[-1]))

    def main(self):
        self.service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self.service.daemon_threads, self.service.proposals, self.service.confirmations = True, {}, {}
        self.service.keys = []
        threading.Thread(target=self.service.serve_forever, daemon=True).start()
        try:
            self.dev = self.node.call("eth_accounts")[0]
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.node.call("anvil_setCode", FAILS, "0xfe")
            self.addresses = {n: make_key(self.hawse, self.folder, n) for n in ("bot", "owner-a", "owner-b")}
            self.node.call("anvil_setBalance", self.addresses["bot"], hex(1000 * ETHER))
            self.master = self.deploy("Safe.sol/Safe")
            self.batch = self.deploy("libraries/MultiSendCallOnly.sol/MultiSendCallOnly")
            self.loose = self.deploy("libraries/MultiSend.sol/MultiSend")
            self.treasury = self.make_safe([self.addresses["owner-a"], self.addresses["owner-b"], self.dev], 2)
            self.shared = self.make_safe([self.addresses["owner-a"], self.dev], 2)
            self.mine(2)
            self.host = Host(self.hawse, self.plugins, self.folder, self.config())
            self.host.start()
            time.sleep(0.5)
            for trial in (self.examined, self.executed, self.money, self.gates, self.together, self.overtaken, self.foreign, self.hollow,
                          self.crashed, self.shared_out):
                trial()
            self.check("the host stops cleanly", self.host.stop() == 0, self.host.logs()[-1])
        except Exception as error:  # noqa: BLE001
            self.check("the trial runs to its end", False, f"{error!r}\n{self.host.logs()[-1] if self.host else ''}")
        finally:
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        failed = report(self.results)
        shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Safes(*(pathlib.Path(p).resolve() for p in sys.argv[1:4])).main())
