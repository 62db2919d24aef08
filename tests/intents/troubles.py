#!/usr/bin/env python3
"""What can go wrong with one intent on a real node, one trouble after the other: fees that rise after it was sent, fees
above the operator's limit, an account without coins, another user of its key, a call that fails, a kill switch, several
calls, a reload. Intents are proposed as an operator does it, with `hawse send`. Prints TAP.

    troubles.py HAWSE PLUGIN_DIR ANVIL
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from rig import BLOCK_S, CHAIN_ID, COUNTER, TARGET, Host, Node, Proxy, journal, make_key, report

STEPS = {1: "PROPOSED", 2: "GATED", 3: "REFUSED", 4: "SIMULATED", 5: "SIGNED", 6: "SENT", 7: "SEEN", 8: "INCLUDED",
         9: "CONFIRMED", 10: "REPLACED", 11: "EXPIRED", 12: "FAILED", 13: "UNKNOWN", 14: "RECONCILED", 15: "REORGED",
         16: "WAITING"}
END = {"REFUSED", "CONFIRMED", "EXPIRED", "FAILED"}
GWEI = 10 ** 9
CAP_GWEI = 100
FAILS = "0x00000000000000000000000000000000000bad01"  # always reverts
EXECUTOR = "0x00000000000000000000000000000000000e8ec0"
# executeBatch((address to, uint256 value, bytes data)[]): each call in turn, all or nothing
BATCH = ("0x60005b8060243511156040578060051b604401356044018060600135808260800160003760006000826000856020013586355af1156042"
         "57505060010160025" + "65b005b60006000fd")


def hit(number):
    return "0xebf6e91d" + f"{number:064x}"


class Troubles:
    def __init__(self, hawse, plugins, anvil):
        self.hawse, self.plugins = hawse, plugins
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-troubles-"))
        self.node, self.results = Node(anvil, self.folder), []
        self.proxy = Proxy(self.node)
        self.host = None

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-2500:]))

    def config(self):
        return {
            "hawse": 1, "control": {"socket": "control.sock"},
            "keys": {"dir": "keys", "use": {n: {"unlock": f"file:{self.folder / 'pass'}"} for n in self.addresses}},
            "chains": {"local": {"chain_id": CHAIN_ID, "block_ms": int(BLOCK_S * 1000),
                                 "providers": [{"name": "anvil", "http": self.proxy.url, "per_second": 0}],
                                 "tx": {"confirmations": 2, "max_gas_price_gwei": CAP_GWEI,
                                        "executor": {"address": EXECUTOR, "call": "execute_batch"}}}},
            "tx": {"stuck_ms": 1000, "restart_s": 2},
            "instances": {"operator": {
                "plugin": "org.example.intents", "mode": "live", "grants": ["intent"],
                "settings": {"chain": "local", "account": "bot", "target": TARGET, "count": 0},
                "breaker": {"failures": 100},
                "limits": {"local": {"intents_per_day": 1000, "open_intents": 100, "assets": {}, "code": [EXECUTOR],
                                     "counterparties": {TARGET: {"functions": ["hit(uint256)"]},
                                                        FAILS: {"functions": ["hit(uint256)"]}}}}}},
        }

    # ---- doing ----

    def command(self, *words, text=None):
        return subprocess.run([str(self.hawse), *words, "--socket", str(self.folder / "control.sock")],
                              capture_output=True, text=True, timeout=20, input=text)

    def send(self, name, calls, account="bot", **more):
        intent = {"id": name, "chain": "local", "account": account, "calls": calls, **more}
        end = time.monotonic() + 10
        while True:
            done = self.command("send", "operator", "-", text=json.dumps(intent))
            if done.returncode == 0 or time.monotonic() > end:
                return done
            time.sleep(0.1)

    def mine(self, blocks=1):
        for _ in range(blocks):
            self.node.call("evm_mine")
            time.sleep(BLOCK_S)

    def steps(self, name):
        with journal(self.folder) as db:
            return db.execute("select s.step, s.error, s.data, s.reference from step s join intent i on i.number = "
                              "s.intent where i.id = ? order by s.seq", (name,)).fetchall()

    def words(self, name):
        return [STEPS[row[0]] for row in self.steps(name)]

    def until(self, name, step, seconds=15, mine=True):
        """Makes blocks until the intent has come there; its words."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            words = self.words(name)
            if step in words or (END & set(words)):
                return words
            if mine:
                self.mine()
            else:
                time.sleep(0.1)
        return self.words(name)

    def count(self, number):
        return self.node.storage("0x" + f"{number:064x}")

    def base_fee(self, gwei):
        self.node.call("anvil_setNextBlockBaseFeePerGas", hex(gwei * GWEI))

    # ---- troubles ----

    def one(self):
        self.send("one", [{"to": TARGET, "data": hit(1)}])
        words = self.until("one", "CONFIRMED")
        figures = json.loads(self.steps("one")[6][2])["figures"]
        self.check("what its gas came to stands beside what was simulated", figures["gas_used"] == figures["gas_simulated"]
                   and figures["off_ppm"] == 0 and int(figures["gas_used"]) > 21000, figures)
        self.check("an operator's intent goes all the way",
                   words == ["PROPOSED", "GATED", "SIMULATED", "SIGNED", "SENT", "SEEN", "INCLUDED", "CONFIRMED"]
                   and self.count(1) == 1, words)
        done = self.send("one", [{"to": TARGET, "data": hit(1)}])
        self.mine(4)
        self.check("its id is taken for ever", self.count(1) == 1 and len(self.words("one")) == 8, done.stderr)

    def stuck(self):
        self.base_fee(1)
        self.mine(1)
        self.send("stuck", [{"to": TARGET, "data": hit(2)}])
        self.until("stuck", "SEEN", mine=False)
        for _ in range(12):  # every block asks for more than it offers
            self.base_fee(20)
            self.mine(1)
        words = self.until("stuck", "CONFIRMED")
        self.check("what is stuck gets a higher fee, and is confirmed once", "REPLACED" in words and "CONFIRMED" in words
                   and self.count(2) == 1, words)

    def dear(self):
        for _ in range(3):
            self.base_fee(90)
            self.mine(1)
        self.send("dear", [{"to": TARGET, "data": hit(3)}])
        for _ in range(40):
            self.base_fee(90)
            self.mine(1)
            waiting = self.words("dear")
            if "WAITING" in waiting:
                break
        self.base_fee(2)
        self.mine(1)
        words = self.until("dear", "CONFIRMED")
        with journal(self.folder) as db:
            fees = [int(row[0]) for row in db.execute("select max_fee from attempt")]
        self.check("above the cap it waits, below it goes", waiting[-1] == "WAITING" and words[-1] == "CONFIRMED"
                   and max(fees) <= CAP_GWEI * GWEI, (waiting, words, fees))

    def configure(self, **desk):
        """For the next start."""
        config = self.config()
        config["tx"].update(desk)
        (self.folder / "hawse.json").write_text(json.dumps(config))

    def dearly(self, blocks=1):
        for _ in range(blocks):
            self.base_fee(90)
            self.mine(1)

    def queued(self):
        """Several wait for lower fees; the host is killed while they do, and when they are let go."""
        worth = {"q-low": "1000", "q-none": "0", "q-high": "3000000000000000000000", "q-mid": "2000"}
        self.dearly(3)
        for i, (name, of) in enumerate(worth.items()):
            self.send(name, [{"to": TARGET, "data": hit(60 + i)}], worth=of,
                      deadline_ns=str(int((time.time() + 600) * 1e9)))
        self.send("q-brief", [{"to": TARGET, "data": hit(64)}], worth="9999",
                  deadline_ns=str(int((time.time() + 4) * 1e9)))
        for _ in range(40):
            self.dearly()
            if all("WAITING" in self.words(name) for name in (*worth, "q-brief")):
                break
        simulated = self.proxy.simulated
        self.dearly(5)
        again = self.proxy.simulated - simulated
        end = time.monotonic() + 3  # it shows what was a second ago
        shown = self.command("intents").stdout
        while "5 wait" not in shown and time.monotonic() < end:
            time.sleep(0.1)
            shown = self.command("intents").stdout
        self.check("what waits for lower fees is not simulated at each head in vain, and is shown", again == 0
                   and "5 wait for lower fees" in shown and "ALARM fees_near_cap" in shown and "until 100.000 gwei are enough, worth 2000 wei" in shown,
                   (again, shown))
        self.host.kill()
        time.sleep(3)  # older than restart_s
        self.configure(window=1)
        self.host.start()
        self.dearly(8)
        words = {name: self.words(name) for name in (*worth, "q-brief")}
        self.check("it survives a crash without a nonce, and its deadline ends it",
                   all(words[n][-1] == "WAITING" and not self.attempts(n) for n in worth)
                   and words["q-brief"][-1] == "EXPIRED", (words, self.host.logs()[-1][-1500:]))
        self.base_fee(2)
        self.mine(1)
        end = time.monotonic() + 10
        while not any(self.attempts(n) for n in worth) and time.monotonic() < end:
            time.sleep(0.02)
        self.host.kill()  # one is signed, others are not
        self.host.start()
        words = {name: self.until(name, "CONFIRMED", seconds=20) for name in worth}
        nonces = {name: self.attempts(name)[0][0] for name in worth if self.attempts(name)}
        order = sorted(nonces, key=nonces.get)
        self.host.stop()
        self.configure()
        self.host.start()
        time.sleep(0.5)
        self.check("when fees fall they go in the order of their worth, each once, whatever crashes",
                   order == ["q-high", "q-mid", "q-low", "q-none"] and all(w[-1] == "CONFIRMED" for w in words.values())
                   and [self.count(60 + i) for i in range(5)] == [1, 1, 1, 1, 0], (words, nonces, self.host.logs()[-1][-1500:]))

    def poor(self):
        self.send("poor", [{"to": TARGET, "data": hit(4)}], account="poor")
        self.until("poor", "REFUSED")
        steps = self.steps("poor")
        last = json.loads(steps[-1][2])
        self.check("an account without coins is refused, with figures", STEPS[steps[-1][0]] == "REFUSED"
                   and last["gate"] == "funds" and "wei" in last["reason"] and self.count(4) == 0, steps[-1])

    def failing(self):
        self.send("failing", [{"to": FAILS, "data": hit(5)}])
        self.until("failing", "REFUSED")
        last = self.steps("failing")[-1]
        self.check("a call that would fail is refused before anything is signed", STEPS[last[0]] == "REFUSED"
                   and json.loads(last[2])["gate"] == "simulation", last)

    def reverting(self):
        """It succeeds when simulated, and fails when it is executed."""
        self.node.call("anvil_setCode", FAILS, "0x60005400")  # looks at a word, and stops
        self.mine(1)
        self.send("reverting", [{"to": FAILS, "data": hit(6)}])
        self.until("reverting", "SEEN", mine=False)
        self.node.call("anvil_setCode", FAILS, "0xfe")
        words = self.until("reverting", "FAILED")
        self.check("what reverts on chain has failed, and says so", words[-1] == "FAILED"
                   and self.steps("reverting")[-1][1] == -18, (words, self.steps("reverting")[-1]))

    def take(self, address, transaction):
        self.node.call("anvil_dropTransaction", transaction)
        self.node.call("anvil_impersonateAccount", address)
        nonce = self.node.call("eth_getTransactionCount", address, "latest")
        self.node.call("eth_sendTransaction", {"from": address, "to": address, "value": "0x1", "nonce": nonce,
                                               "gas": "0x5208", "maxFeePerGas": hex(50 * GWEI)})
        self.node.call("anvil_stopImpersonatingAccount", address)

    def taken(self, name, number):
        """Somebody else has the key, and is faster; the words of the intent, and its attempts."""
        address = self.addresses["bot"]
        self.send(name, [{"to": TARGET, "data": hit(number)}])
        self.until(name, "SEEN", mine=False)
        reference = self.steps(name)[-1][3]
        self.take(address, reference[:66])
        words, rows = self.until(name, "CONFIRMED", seconds=20), self.attempts(name)
        good = (words[-1] == "CONFIRMED" and self.count(number) == 1 and len(rows) == 2 and rows[0][1] == 5
                and rows[1][0] == rows[0][0] + 1)
        return good, (words, rows)

    def foreign(self):
        self.proxy.keeps = 12  # a node that keeps little state to prove it by
        good, detail = self.taken("foreign", 7)
        self.proxy.keeps = None
        self.check("a nonce that went to somebody else is taken anew, and it is executed once", good, detail)

    def ahead(self):
        self.proxy.behind = True
        good, detail = self.taken("ahead", 22)
        self.proxy.behind = False
        self.check("and so where the counts were read a block after the head", good, detail)

    def fillers(self):
        with journal(self.folder) as db:
            return db.execute("select count(*) from intent where instance = 'hawse'").fetchone()[0]

    def nonces(self, name):
        return [row[0] for row in self.attempts(name)]

    def lied(self):
        """A provider tells a pending count that is too high, and then the truth."""
        before, nonce = self.fillers(), int(self.node.call("eth_getTransactionCount", self.addresses["bot"], "latest"), 16)
        self.dearly(3)
        self.send("lied", [{"to": TARGET, "data": hit(124)}], deadline_ns=str(int((time.time() + 600) * 1e9)))
        for _ in range(40):
            self.dearly()
            if "WAITING" in self.words("lied"):
                break
        self.proxy.lies = {"pending": 1000}
        self.dearly(3)
        self.proxy.lies = {}
        self.dearly(3)
        self.base_fee(1)
        self.mine(1)
        words = self.until("lied", "CONFIRMED", seconds=20)
        self.check("a count that was too high leaves no hole that costs money", words[-1] == "CONFIRMED" and self.count(124) == 1
                   and set(self.nonces("lied")) == {nonce} and self.fillers() == before,
                   (words, nonce, self.nonces("lied"), self.fillers() - before))

    def outvoted(self):
        """One of three providers tells counts that are too high, all the time."""
        before, nonce = self.fillers(), int(self.node.call("eth_getTransactionCount", self.addresses["bot"], "latest"), 16)
        self.host.kill()
        config = self.config()
        config["chains"]["local"]["providers"] += [{"name": f"honest{i}", "http": self.node.url, "per_second": 0, "priority": 9}
                                                   for i in range(2)]
        (self.folder / "hawse.json").write_text(json.dumps(config))
        self.proxy.lies = {"pending": 1000, "latest": 700}
        self.host.start()
        self.send("outvoted", [{"to": TARGET, "data": hit(125)}])
        words = self.until("outvoted", "CONFIRMED", seconds=20)
        self.proxy.lies = {}
        self.host.kill()
        self.configure()
        self.host.start()
        self.send("voted", [{"to": TARGET, "data": hit(126)}])
        after = self.until("voted", "CONFIRMED", seconds=20)
        self.check("what one of three providers says of counts harms nothing", words[-1] == after[-1] == "CONFIRMED"
                   and self.count(125) == self.count(126) == 1 and self.fillers() == before
                   and self.nonces("outvoted") + self.nonces("voted") == [nonce, nonce + 1],
                   (words, after, nonce, self.nonces("outvoted"), self.nonces("voted")))

    def renewed(self):
        """Between the proof that a nonce went to somebody else and the next one the host is killed."""
        address, name = self.addresses["bot"], "renewed"
        self.send(name, [{"to": TARGET, "data": hit(23)}])
        self.until(name, "SEEN", mine=False)
        self.take(address, self.steps(name)[-1][3][:66])
        self.mine(1)
        for _ in range(40):
            self.base_fee(90)  # nothing new can be signed
            self.mine(1)
            if "REPLACED" in self.words(name):
                break
        self.host.kill()
        self.host.start()
        for _ in range(6):
            self.base_fee(90)
            self.mine(1)
        self.base_fee(2)
        words, rows = self.until(name, "CONFIRMED", seconds=20), self.attempts(name)
        self.check("and so where the host was killed before it was signed anew", words.count("REPLACED") == 1
                   and words[-1] == "CONFIRMED" and self.count(23) == 1 and [row[1] for row in rows] == [5, 3],
                   (words, rows))

    def attempts(self, name):
        with journal(self.folder) as db:
            return db.execute("select a.nonce, a.state from attempt a join intent i on i.number = a.intent where i.id = ? "
                              "order by a.attempt", (name,)).fetchall()

    def hidden(self):
        """A provider loses the receipt of what was mined."""
        self.proxy.no_receipts = True
        self.send("hidden", [{"to": TARGET, "data": hit(20)}])
        self.until("hidden", "SEEN", mine=False)
        self.mine(12)
        rows, words = self.attempts("hidden"), self.words("hidden")
        self.proxy.no_receipts = False
        after = self.until("hidden", "CONFIRMED", seconds=20)
        self.check("a receipt that a provider loses makes nobody pay twice", len(rows) == 1 and not END & set(words)
                   and after[-1] == "CONFIRMED" and self.count(20) == 1, (rows, words, after))

    def unprovable(self):
        """It loses the state of old blocks, too: nobody can say who used the nonce."""
        self.proxy.no_receipts = self.proxy.no_state = True
        self.send("unprovable", [{"to": TARGET, "data": hit(21)}])
        words = self.until("unprovable", "FAILED", seconds=20)
        self.proxy.no_receipts = self.proxy.no_state = False
        last = self.steps("unprovable")[-1]
        self.mine(3)
        self.check("what nobody can prove ends as unknown, and is never done again", words[-1] == "FAILED"
                   and last[1] == -16 and len(self.attempts("unprovable")) == 1 and self.count(21) == 1, (words, last))

    def answered_late(self):
        """The provider says that it took it when it is in a block already."""
        self.proxy.late_s = 1.2
        self.send("answered", [{"to": TARGET, "data": hit(24)}])
        self.until("answered", "SENT", mine=False)
        time.sleep(0.3)
        words = self.until("answered", "INCLUDED")
        time.sleep(1.5)
        self.proxy.late_s = 0
        before, after = words[-1], self.until("answered", "CONFIRMED")
        rows = self.attempts("answered")
        self.check("what is in a block stays so in the journal when a provider answers late", before == "INCLUDED"
                   and after[-1] == "CONFIRMED" and [row[1] for row in rows] == [3], (words, after, rows))

    def slow(self):
        self.proxy.simulation_s = 6
        self.send("slow", [{"to": TARGET, "data": hit(70)}])
        end = time.monotonic() + 10
        while "ALARM simulation_slow" not in self.command("intents").stdout and time.monotonic() < end:
            time.sleep(0.2)
        took = 10 - (end - time.monotonic())
        self.proxy.simulation_s = 0
        words = self.until("slow", "CONFIRMED")
        self.check("a simulation that takes more than 5 s is told while it is under way, and hurts nothing", 4 < took < 9
                   and words[-1] == "CONFIRMED" and self.count(70) == 1, (took, words))

    def killed(self):
        killed = self.command("kill", "--why", "a trial")
        self.send("killed", [{"to": TARGET, "data": hit(8)}])
        words = self.until("killed", "REFUSED")
        self.command("resume")
        self.send("resumed", [{"to": TARGET, "data": hit(9)}])
        self.until("resumed", "CONFIRMED")
        self.check("nothing is signed while the kill switch is on", words[-1] == "REFUSED" and self.count(8) == 0
                   and self.count(9) == 1, (killed.stdout + killed.stderr, words, self.words("resumed")))

    def several(self):
        self.send("several", [{"to": TARGET, "data": hit(10 + i)} for i in range(3)])
        words = self.until("several", "CONFIRMED", seconds=20)
        self.check("three calls are three transactions, in order", words.count("SENT") == 3
                   and words[-1] == "CONFIRMED" and [self.count(10 + i) for i in range(3)] == [1, 1, 1], words)

    def half(self):
        self.node.call("anvil_setCode", FAILS, "0xfe")
        self.send("half", [{"to": TARGET, "data": hit(14), "gas_limit": 100000}, {"to": FAILS, "data": hit(15)}])
        words = self.until("half", "REFUSED", seconds=20)
        self.check("all calls are simulated before the first is signed", words[-1] == "REFUSED" and self.count(14) == 0,
                   words)

    def bundle(self):
        """All in one transaction, by code that the account borrows (EIP-7702)."""
        self.send("bundle", [{"to": TARGET, "data": hit(40 + i)} for i in range(3)], how="bundle")
        words = self.until("bundle", "CONFIRMED", seconds=20)
        address = self.addresses["bot"]
        code = self.node.call("eth_getCode", address, "latest")
        self.check("a bundle is one transaction of the account's borrowed code", words.count("SENT") == 1
                   and words[-1] == "CONFIRMED" and [self.count(40 + i) for i in range(3)] == [1, 1, 1]
                   and code.lower() == "0xef0100" + EXECUTOR[2:].lower(), (words, code, self.steps("bundle")[-1]))

    def late(self):
        self.send("late", [{"to": TARGET, "data": hit(16)}], deadline_ns=str(int(time.time() * 1e9) - 10 ** 9))
        words = self.until("late", "EXPIRED")
        self.check("what comes after its deadline is not sent", words[-1] in ("EXPIRED", "REFUSED")
                   and self.count(16) == 0, words)

    def forgotten(self):
        """The node loses it from its pool, twice."""
        self.send("forgotten", [{"to": TARGET, "data": hit(17)}])
        self.until("forgotten", "SEEN", mine=False)
        for _ in range(2):
            self.node.call("anvil_dropTransaction", self.steps("forgotten")[-1][3][:66])
            self.mine(1)
            time.sleep(3 * BLOCK_S)
        words = self.until("forgotten", "CONFIRMED")
        self.check("what the pool lost is sent again, and executed once", words[-1] == "CONFIRMED" and self.count(17) == 1,
                   words)

    def deep(self):
        """A reorganisation takes back what was included."""
        self.send("deep", [{"to": TARGET, "data": hit(18)}])
        self.until("deep", "INCLUDED")
        time.sleep(2 * BLOCK_S)
        self.node.call("anvil_reorg", 2, [])
        words = self.until("deep", "REORGED")
        words = self.until("deep", "CONFIRMED")
        self.check("what a reorganisation takes back is told, sent again and executed once", "REORGED" in words
                   and words[-1] == "CONFIRMED" and self.count(18) == 1, words)

    def alarmed(self):
        """An alert of the host about a chain pulls a switch, where the configuration says so."""
        config = self.config()
        config["alerts"] = {"rules": [{"instance": "hawse", "name": "fees_near_cap", "severity": "warning",
                                       "then": "kill_instance"}]}
        (self.folder / "hawse.json").write_text(json.dumps(config))
        self.host.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.dearly(3)
        self.send("alarmed", [{"to": TARGET, "data": hit(110)}])
        for _ in range(40):
            self.dearly()
            words = self.words("alarmed")
            if words and words[-1] in END:
                break
        alerts = json.loads(self.command("status", "--json").stdout)["alerts"]
        shown = [a for a in alerts if a["instance"] == "hawse"]
        last = self.steps("alarmed")[-1]
        self.check("an alert of the host names its chain, and pulls what a rule says", words[-1] == "REFUSED"
                   and json.loads(last[2])["gate"] == "kill" and "fees_near_cap of chain local" in json.loads(last[2])["reason"]
                   and [(a["name"], a["fields"], a["severity"]) for a in shown if a["name"] == "fees_near_cap"]
                   == [("fees_near_cap", {"chain": "local"}, "warning")] and self.count(110) == 0, (words, last, alerts))
        self.command("resume", "operator")
        self.base_fee(1)
        self.mine(1)
        self.send("calmed", [{"to": TARGET, "data": hit(111)}])
        words = self.until("calmed", "CONFIRMED")
        alerts = json.loads(self.command("status", "--json").stdout)["alerts"]
        self.check("... and is over with its cause", words[-1] == "CONFIRMED" and self.count(111) == 1
                   and not any(a["name"] == "fees_near_cap" for a in alerts), (words, alerts))

    def reloaded(self):
        config = self.config()
        config["instances"]["operator"]["limits"]["local"]["counterparties"] = {}
        (self.folder / "hawse.json").write_text(json.dumps(config))
        self.host.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        self.send("reloaded", [{"to": TARGET, "data": hit(19)}])
        self.until("reloaded", "REFUSED")
        last = self.steps("reloaded")[-1]
        self.check("a reload brings its limits at once", STEPS[last[0]] == "REFUSED"
                   and json.loads(last[2])["gate"] == "calls" and self.count(19) == 0, last)

    def seen(self):
        done = self.command("intents")
        self.check("`hawse intents` shows chain, account and counts", done.returncode == 0 and "chain local" in done.stdout
                   and "bot" in done.stdout and "confirmed" in done.stdout, done.stdout + done.stderr)

    def main(self):
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.node.call("anvil_setCode", FAILS, "0xfe")
            self.node.call("anvil_setCode", EXECUTOR, BATCH)
            self.addresses = {n: make_key(self.hawse, self.folder, n) for n in ("bot", "poor")}
            self.node.call("anvil_setBalance", self.addresses["bot"], hex(10 ** 21))
            self.mine(2)
            self.host = Host(self.hawse, self.plugins, self.folder, self.config())
            self.host.start()
            time.sleep(0.5)
            for trouble in (self.one, self.stuck, self.dear, self.queued, self.poor, self.failing, self.reverting, self.foreign,
                            self.ahead, self.lied, self.outvoted, self.renewed, self.answered_late, self.hidden, self.unprovable, self.slow, self.killed,
                            self.several, self.half, self.bundle, self.late, self.forgotten, self.deep, self.seen, self.alarmed,
                            self.reloaded):
                begin = time.monotonic()
                trouble()
                if os.environ.get("VERBOSE"):
                    print(f"# {trouble.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
            self.check("the host stops cleanly", self.host.stop() == 0, self.host.logs()[-1])
        finally:
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        failed = report(self.results)
        if failed and os.environ.get("KEEP"):
            print(f"# kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Troubles(*(pathlib.Path(p).resolve() for p in sys.argv[1:4])).main())
