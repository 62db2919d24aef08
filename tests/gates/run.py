#!/usr/bin/env python3
"""Ways round every gate, tried by a plugin that was built from the SDK alone, against a real node: structures that are
none, calls inside of calls, amounts in parts, fees, time, reload, restart, kill switches, races. Each trick is one line:
by which gate and with which words it ended. Then the chain must hold what the operator allowed and nothing else, and
every transaction that was made a simulation that is bound to its bytes. Prints TAP.

    run.py HAWSE PLUGIN_DIR TRICKSTER_DIR ANVIL
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "intents"))

from rig import CHAIN_ID, PASS, Host, Node, free_port, journal, report  # noqa: E402
from tricks import Tricks  # noqa: E402
from world import FRIEND, GWEI, STRANGER, THIEF, World, decode  # noqa: E402

STEPS = {3: "REFUSED", 9: "CONFIRMED", 11: "EXPIRED", 12: "FAILED"}
WAITING = 16
GAS = 300000  # more than is used where a contract does nothing
ACCOUNTS = ("main", "trader", "splitter", "sleeper", "victim", "giver", "thin", "poor", "elsewhere")
COINS = {"poor": 10 ** 12, "thin": 10 ** 18}
CAPS = {"local": 500, "dear": 4, "dearer": 2, "other": 500}  # gwei
# what a broken structure is answered with, where that is not HAWSE_E_INVAL
CODES = {"chain_not_granted": -6, "chain_unknown": -6, "chain_64": -6, "chain_empty": -6, "account_unknown": -7,
         "streams_unknown": -1}


class Trial:
    def __init__(self, hawse, plugins, tricksters, anvil):
        self.hawse, self.paths = hawse, [plugins, tricksters]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-gates-"))
        self.node, self.results, self.notes, self.host = Node(anvil, self.folder), [], [], None
        self.world, self.http = World(self.node, HERE), free_port()
        self.tricks = Tricks(self.world)

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-1500:]))

    # ---- making ----

    def make_keys(self):
        """All at once: each takes a while by design."""
        (self.folder / "pass").write_text(PASS + "\n")
        (self.folder / "pass").chmod(0o600)
        made = {}
        for name in ACCOUNTS:
            lock = ["--chain", "1"] if name == "elsewhere" else ["--testnet-only"]
            made[name] = subprocess.Popen([str(self.hawse), "keys", "new", name, "--dir", str(self.folder / "keys"), "--cost",
                                           "interactive", "--passphrase-file", str(self.folder / "pass"), "--json", *lock],
                                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addresses = {name: re.search(r"0x[0-9a-fA-F]{40}", p.communicate(timeout=60)[0]).group(0).lower()
                          for name, p in made.items()}

    def fund(self):
        w = self.world
        for name, address in self.addresses.items():
            self.node.call("anvil_setBalance", address, hex(COINS.get(name, 10 ** 20)))
            w.act(w.gold, "mint", address, 60 if name == "thin" else 1000)
        w.act(w.gold, "approve", w.pool, 50, sender=self.addresses["victim"])  # from earlier, as accounts have them
        w.mine()
        for address in self.addresses.values():
            self.node.call("anvil_stopImpersonatingAccount", address)
        self.start_of_trial = w.head()

    def chain(self, cap):
        return {"chain_id": CHAIN_ID, "block_ms": 120, "providers": [{"name": "anvil", "http": self.node.url, "per_second": 0}],
                "tx": {"confirmations": 2, "max_gas_price_gwei": cap,
                       "executor": {"address": self.world.executor}}}

    def config(self):
        return {
            "hawse": 1, "control": {"socket": "control.sock"}, "http": {"listen": f"127.0.0.1:{self.http}"},
            "plugins": {"path": list(map(str, self.paths)), "isolation": "asked"},
            "keys": {"dir": "keys", "use": {n: {"unlock": f"file:{self.folder / 'pass'}"} for n in ACCOUNTS}},
            "chains": {name: self.chain(cap) for name, cap in CAPS.items()},
            "tx": {"stuck_ms": 60000}, "instances": self.tricks.instances}

    def write_config(self):
        (self.folder / "hawse.json").write_text(json.dumps(self.config(), indent=1))

    # ---- looking ----

    def rows(self, sql, *arguments):
        try:
            with journal(self.folder) as db:
                return db.execute(sql, arguments).fetchall()
        except Exception:  # it is not there yet
            return []

    def ends(self):
        """(instance, id) to (step, data of the last step)."""
        rows = self.rows("select i.instance, i.id, s.step, s.data, i.ended from intent i join step s on s.intent = i.number "
                         "order by s.seq")
        return {(r[0], r[1]): (STEPS.get(r[2], r[2]), json.loads(r[3] or "{}"), r[4]) for r in rows}

    def wait(self, what, seconds, name=None):
        end = time.monotonic() + seconds
        while not what() and time.monotonic() < end and self.host.process.poll() is None:
            time.sleep(0.1)
        if name:
            self.check(name, what(), self.host.logs()[-1][-1500:])
        return what()

    def ended(self, wanted):
        ends = self.ends()
        return all(any(k[0] == instance and (k[1] == name or (name[-1] == "*" and k[1].startswith(name[:-1])))
                       and v[2] for k, v in ends.items()) and
                   not any(k[0] == instance and not v[2] for k, v in ends.items()) for instance, name in wanted)

    def log(self):
        return "\n".join(self.host.logs())

    def command(self, *words, text=None):
        return subprocess.run([str(self.hawse), *words, "--socket", str(self.folder / "control.sock")],
                              capture_output=True, text=True, timeout=20, input=text)

    # ---- the first run ----

    def first(self):
        self.world.fee = 6 * GWEI
        time.sleep(0.3)
        self.host.start()
        now = [(e[0], e[1]) for e in self.tricks.expected]
        self.wait(lambda: self.ended(now) and self.waiting() >= 11, 20)
        for instance, name, step, gate, words in self.tricks.expected:
            self.judge(instance, name, step, gate, words)

    def waiting(self):
        return len([1 for (_, name), (step, _, _) in self.ends().items() if name in ("wait", "sleep") and step == WAITING])

    def judge(self, instance, name, step, gate, words):
        if name.endswith("*"):
            self.judge_parts(instance, name[:-1], step, gate, words)
            return
        got = self.ends().get((instance, name), ("nothing", {}, 0))
        reason, by = got[1].get("reason", ""), got[1].get("gate")
        if gate and gate.startswith("waiting"):
            waited = self.rows("select s.data from step s join intent i on i.number = s.intent where i.instance = ? and "
                               "i.id = ? and s.step = 16", instance, name)
            data = json.loads(waited[0][0]) if waited else {}
            reason, by = data.get("reason", ""), f"waiting {data.get('gate')}"
        good = got[0] in step.split("|") and (by == gate or (gate and by in gate.split("|"))) and re.search(words, reason, re.S)
        self.check(f"{instance}: {name}: {got[0]}" + (f", {by}: {reason[:110]}" if reason else ""), good, (got, reason))

    def judge_parts(self, instance, prefix, count, gate, words):
        """So many of them, and the others refused with these words."""
        ends = {k[1]: v for k, v in self.ends().items() if k[0] == instance and k[1].startswith(prefix)}
        good = [n for n, v in ends.items() if v[0] == "CONFIRMED"]
        bad = [v for v in ends.values() if v[0] != "CONFIRMED"]
        few = len(good) == int(count.split()[0]) and len(ends) == int(count.split()[-1])
        told = all(v[0] == "REFUSED" and v[1].get("gate") in gate.split("|") and re.search(words, v[1].get("reason", ""))
                   for v in bad)
        reason = bad[0][1].get("reason", "")[:110] if bad else ""
        self.check(f"{instance}: {count} go through" + (f", then: {reason}" if reason else ""), few and told,
                   (sorted(good), bad[:3]))

    def judge_answers(self):
        """What was said at once, to what was no intent or nobody's."""
        log = self.log()
        broken = {name: int(code) for name, code in re.findall(r"broken (\w+): (-?\d+)", log)}
        names = re.findall(r"^    X\((\w+),", (HERE / "malformed.c").read_text(), re.M)
        for name in [*names, "no_intent", "no_handle", "no_id", "look_up_65"]:
            self.check(f"malformed: {name}: error {broken.get(name)}", broken.get(name) == CODES.get(name, -1), broken.get(name))
        for what, codes in (("cancel", "-5"), ("zero", "-5"), ("all ones", "-5"), ("self", "(-9|-5) (-9|-5) (-9|-5)"),
                            ("nobody", "-5 -5")):
            found = re.search(rf"foreign {what}: (.*)", log)
            self.check(f"foreign: {what}: {found and found.group(1)}", found and re.fullmatch(codes, found.group(1).strip()),
                       found)
        self.check("foreign: somebody else's id is not found", re.search(r"state 999: step 0 error -7", log), log[-800:])
        thread = re.search(r"proposed hit 0: (-?\d+)", "\n".join(x for x in log.splitlines() if "from-thread" in x))
        self.check("from-thread: proposing from another thread: error -9", thread and thread.group(1) == "-9", thread)
        self.check("from-create: what proposes and never comes to be", not self.rows(
            "select 1 from attempt a join intent i on i.number = a.intent where i.instance = 'from-create'"))
        again = re.search(r"ended same 0: step 3 error -8: .*used before", log)
        self.check("twice: an id is used once", again, re.findall(r".*ended same.*", log))

    # ---- reload, kill switches ----

    def reload(self):
        instances, w = self.tricks.instances, self.world
        instances["wait-to-limit"]["limits"]["dear"]["assets"]["coin"]["per_intent"] = "1000"
        instances["wait-to-shadow"]["mode"] = "shadow"
        del instances["wait-to-nobody"]
        self.write_config()
        (self.folder / "state/risk").mkdir(exist_ok=True)
        (self.folder / "state/risk/kill.wait-to-file").touch()
        done = self.command("kill", "wait-to-command", "--why", "enough of it")
        self.check("hawse kill answers", done.returncode == 0, done.stderr)
        self.host.process.send_signal(signal.SIGHUP)
        self.wait(lambda: "reloaded " in self.host.logs()[-1], 8, "SIGHUP with stricter limits is taken over")
        w.fee = int(1.2 * GWEI)
        names = ("free", "to-limit", "to-shadow", "to-file", "to-command", "to-nobody")
        self.wait(lambda: self.ended([(f"wait-{n}", "wait") for n in names]), 10)
        self.judge("wait-free", "wait", "CONFIRMED", None, "")
        for name, gate, words in (("limit", "limits", "per_intent is 1000"), ("shadow", "mode", "its mode is shadow"),
                                  ("file", "kill", "a kill switch is on"), ("command", "kill", "enough of it"),
                                  ("nobody", "limits", "there is no such instance")):
            self.judge(f"wait-to-{name}", "wait", "REFUSED", gate, words)

    # ---- restart ----

    def restart(self):
        instances, w = self.tricks.instances, self.world
        self.host.kill()
        instances["sleep-to-limit"]["limits"]["dearer"]["assets"]["coin"]["per_intent"] = "1000"
        instances["sleep-to-shadow"]["mode"] = "shadow"
        del instances["sleep-to-nobody"]
        self.write_config()
        self.host.start()
        w.fee = int(0.05 * GWEI)
        names = ("free", "to-limit", "to-shadow", "to-nobody", "unripe")
        self.wait(lambda: self.ended([(f"sleep-{n}", "sleep") for n in names]), 12)
        self.judge("sleep-free", "sleep", "CONFIRMED", None, "")
        for name, gate, words in (("to-limit", "limits", "per_intent is 1000"), ("to-shadow", "mode", "its mode is shadow"),
                                  ("to-nobody", "limits", "there is no such instance"),
                                  ("unripe", "dry_run", "experimental is never signed for")):
            self.judge(f"sleep-{name}", "sleep", "REFUSED", gate, words)
        done = self.send("wait-to-command", "after", [w.call(w.pool, "hit", 1)])
        self.send("giver", "again", [w.call(w.gold, "approve", w.pool, 1)], account="giver")
        self.settled("giver", "again")
        self.judge("giver", "again", "REFUSED", "simulation", "with 100 gold taken or held already")
        self.check("a kill switch survives kill -9", self.settled("wait-to-command", "after") == "REFUSED", done.stderr)

    # ---- step by step ----

    def send(self, instance, name, calls, flows=(), account="victim", **more):
        intent = {"id": name, "chain": "local", "account": account, "calls": calls, "flows": list(flows), **more}
        end = time.monotonic() + 10
        while True:
            done = self.command("send", instance, "-", text=json.dumps(intent))
            if done.returncode == 0 or time.monotonic() > end:
                return done
            time.sleep(0.1)

    def until(self, instance, name, step, seconds=8):
        """The intent has come to the step, or ended."""
        def there():
            rows = self.rows("select s.step from step s join intent i on i.number = s.intent where i.instance = ? and i.id = ?",
                             instance, name)
            return {step, *STEPS} & {r[0] for r in rows}
        self.wait(there, seconds)

    def settled(self, instance, name):
        self.wait(lambda: self.ends().get((instance, name), (0, 0, 0))[2], 8)
        return self.ends().get((instance, name), ("nothing",))[0]

    def turned(self):
        """The second call does nothing when both are simulated, and takes when its turn comes."""
        w = self.world
        w.held.set()
        time.sleep(0.3)
        self.send("operator", "turned", [w.call(w.pool, "hit", 1),
                                            {**w.call(w.pool, "takeFrom", w.gold, 50, w.head() + 2), "gas_limit": GAS}])
        self.until("operator", "turned", 7)
        w.held.clear()
        self.settled("operator", "turned")
        self.judge("operator", "turned", "FAILED", None, "would leave the account")

    def in_flight(self):
        w = self.world
        hit = [w.call(w.pool, "hit", 1)]
        w.held.set()
        self.send("operator", "out", hit)
        self.until("operator", "out", 7)
        self.command("kill", "--why", "all of it")
        self.send("operator", "killed", hit)
        self.check("in flight: after kill nothing is signed", self.settled("operator", "killed") == "REFUSED")
        w.held.clear()
        self.check("in flight: what was out is watched to its end", self.settled("operator", "out") == "CONFIRMED")
        self.command("resume")
        self.send("operator", "resumed", hit)
        self.check("after resume it goes on", self.settled("operator", "resumed") == "CONFIRMED", self.ends())
        self.host.process.send_signal(signal.SIGUSR1)
        time.sleep(0.3)
        self.send("operator", "signaled", hit)
        self.settled("operator", "signaled")
        self.judge("operator", "signaled", "REFUSED", "kill", "signal: SIGUSR1")
        self.command("resume")

    def funds_in_flight(self):
        """What is out counts as gone: of two that together exceed what there is, the second is refused."""
        w, flow = self.world, lambda asset, out: {"asset": asset, "max_out": str(out), "min_in": "0", "expected_in": "0"}
        coin, rest = "0x" + "0" * 40, w.balance(self.addresses["thin"])
        for name, amount, calls, asset in (("coin", rest // 5 * 3, lambda n: [w.raw(FRIEND, value=n)], coin),
                                           ("gold", 40, lambda n: [w.call(w.gold, "transfer", FRIEND, n)], w.gold)):
            w.held.set()
            time.sleep(0.2)
            self.send("operator", f"first-{name}", calls(amount), [flow(asset, amount)], account="thin")
            self.until("operator", f"first-{name}", 7)
            self.send("operator", f"second-{name}", calls(amount), [flow(asset, amount)], account="thin")
            self.settled("operator", f"second-{name}")
            self.judge("operator", f"second-{name}", "REFUSED", "funds", "are missing: .*own transactions under way")
            reason = self.ends().get(("operator", f"second-{name}"), (0, {}))[1].get("reason", "")
            under_way = int((re.findall(r"under way (\d+)", reason) or [0])[0])
            self.check(f"in flight: {name} that is out counts: {under_way}", amount <= under_way < 2 * amount, reason)
            w.held.clear()
            self.check(f"in flight: what was out first is done, {name}", self.settled("operator", f"first-{name}") == "CONFIRMED")
        self.paid = rest // 5 * 3

    def too_late(self, instance, name, calls):
        """Simulated on one block, and in a block only some blocks later: the pool lost it for so long."""
        w = self.world
        w.held.set()
        time.sleep(0.3)
        self.send(instance, name, calls(w.head() + 2))
        self.until(instance, name, 7)
        for (reference,) in self.rows("select a.hash from attempt a join intent i on i.number = a.intent where i.instance = ? "
                                      "and i.id = ?", instance, name):
            self.node.call("anvil_dropTransaction", reference)
        w.mine(3)
        w.held.clear()
        return self.settled(instance, name)

    def two_faced(self):
        """A contract that would do otherwise than in the simulation, by all that it can see of it, is seen through. What a
        later block does to it nobody can foresee: then what happened counts."""
        w, victim = self.world, self.addresses["victim"]
        self.send("operator", "two-faced", [{**w.call(w.pool, "takeWherePriced", w.gold, 50), "gas_limit": GAS}])
        self.settled("operator", "two-faced")
        self.judge("operator", "two-faced", "REFUSED", "simulation", "50 gold would leave the account")
        before = w.balance(victim, w.gold)
        step = self.too_late("robbed", "late", lambda n: [{**w.call(w.pool, "takeFrom", w.gold, 50, n), "gas_limit": GAS}])
        self.stolen = before - w.balance(victim, w.gold)
        self.check("what a later block did is what the allowance of old let it do", (step, self.stolen) == ("CONFIRMED", 50),
                   (step, self.stolen, self.ends().get(("robbed", "late"))))
        self.send("robbed", "more", [w.call(w.gold, "transfer", FRIEND, 11)],
                  [{"asset": w.gold, "max_out": "11", "min_in": "0", "expected_in": "0"}])
        self.settled("robbed", "more")
        self.judge("robbed", "more", "REFUSED", "limits", "asks for 11 gold with 50 gold taken or held already")

    def breaks(self):
        w = self.world
        fails = lambda n: [{**w.call(w.pool, "failFrom", n), "gas_limit": GAS}]  # noqa: E731
        self.check("breaking: a call that fails only on chain has failed", self.too_late("breaking", "fails", fails) == "FAILED",
                   self.ends().get(("breaking", "fails")))
        self.send("breaking", "next", [w.call(w.pool, "hit", 1)])
        self.settled("breaking", "next")
        self.judge("breaking", "next", "REFUSED", "breaker", "its breaker is open after failures in a row")

    # ---- what must be so in the end ----

    def chain_holds_what_was_allowed(self):
        attempts = self.rows("select a.hash, a.simulation, a.state, i.instance, i.id from attempt a join intent i on "
                             "i.number = a.intent")
        by_hash, made, strange = {a[0]: a for a in attempts}, {}, []
        for number in range(self.start_of_trial + 1, self.world.head() + 1):
            for tx in self.node.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
                row = by_hash.get(tx["hash"])
                if row:
                    made[row[3]] = made.get(row[3], 0) + 1
                else:
                    strange.append(tx["hash"])
        self.check("every transaction on chain is in the journal", not strange, strange)
        wrong = {n: (made.get(n, 0), allowed) for n, allowed in self.tricks.allowed.items()
                 if made.get(n, 0) != allowed and n not in ("operator", "half-done")}
        self.check("each instance made as many transactions as its operator allowed", not wrong, wrong)
        signed = {a[3] for a in attempts} - {n for n, count in self.tricks.allowed.items() if count} - {"hawse"}
        self.check("nothing was signed for any other", not signed, signed)
        self.check("every attempt carries a simulation", all(len(a[1]) == 64 for a in attempts), attempts[:3])

    def journal_binds(self):
        """What the journal proves by itself: each attempt is a call that was proposed, priced within its chain's cap, and
        was simulated before it was signed; or takes back what was canceled, by nothing that is sent to itself."""
        wrong, seen = [], 0
        for number, leg, seq, chain, sender, nonce, reference, raw, body, fee, tip, chain_name in self.rows(
                "select a.intent, a.leg, a.seq, a.chain_id, a.sender, a.nonce, a.hash, r.bytes, b.bytes, a.max_fee, a.tip, i.chain from "
                "attempt a join record r on r.seq = a.seq join intent i on i.number = a.intent join record b on b.seq = "
                "i.seq"):
            tx, intent, seen = decode(raw), json.loads(body), seen + 1
            call = intent["calls"][leg]
            bundle = intent.get("how") == "bundle"
            empty = (tx["to"], tx["value"], tx["data"], tx["gas"]) == (sender.lower(), 0, "0x", 21000)
            same = bundle or empty or (tx["to"], tx["value"], tx["data"]) == (call["to"].lower(), int(call["value"]), call["data"])
            simulated = self.rows("select count(*) from step where intent = ? and step = 4 and seq < ?", number, seq)[0][0]
            if not (same and simulated and tx["chain_id"] == chain == CHAIN_ID and tx["nonce"] == nonce
                    and tx["max_fee"] == int(fee) <= CAPS[chain_name] * GWEI and tx["tip"] == int(tip) <= int(fee)
                    and self.node.call("web3_sha3", "0x" + bytes(raw).hex()) == reference):
                wrong.append((number, leg, tx, call, simulated))
        self.check("every attempt is what was proposed, was simulated before, and is priced within the cap",
                   seen > 30 and not wrong, (seen, wrong[:2]))

    def metrics(self):
        """Refusals by gate, and simulations by result, are counted."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        counts = {name: float(n) for name, n in re.findall(r"^(hawse_(?:gate|simul)\S+) (\S+)$", text, re.M)}
        missing = [g for g in ("kill", "breaker", "limits", "funds", "simulation")
                   if counts.get(f'hawse_gate_verdicts_total{{gate="{g}",answer="refused"}}', 0) == 0]
        self.check("metrics count refusals by gate, and simulations", not missing and
                   counts.get('hawse_simulations_total{result="success"}', 0) > 10 and
                   counts.get('hawse_simulations_total{result="failure"}', 0) >= 0 and
                   counts.get("hawse_simulation_seconds_count", 0) > 10, (missing, counts))

    def totals(self):
        """What the journal counts of this day is what moved, and what may still go by allowances."""
        w, found = self.world, {}
        for instance, what, key, amount in self.rows("select instance, what, key, amount from total"):
            if key.endswith(w.gold[2:].lower()) and amount != "0":
                found.setdefault(instance, {})[what] = int(amount)
        self.check("an allowance that is used at once counts once", found.get("honest") == {"out": 50}, found)
        self.check("one that is left counts as given", found.get("giver") == {"given": 100}, found)
        self.check("what was taken against the plan counts as out", found.get("robbed") == {"out": 50}, found)

    def tampered(self):
        """Copies in which one transaction names the simulation of another, or one of less gas: that is found."""
        for what, sql in (
                ("another's simulation", "update record set data = json_set(data, '$.simulation', (select simulation from attempt "
                                         "where intent <> record.intent limit 1)) where seq = (select max(seq) from attempt)"),
                ("other bytes", "update record set data = replace(data, '\"binding\":\"0x', '\"binding\":\"0xff') where kind = "
                                "'step' and data like '%binding%'"),
                ("more gas", "update record set data = replace(data, '\"gas_limit\":', '\"gas_limit\":9') where kind = 'step' and "
                             "data like '%binding%'")):
            copy = self.folder / "copy.db"
            shutil.copy(self.folder / "state/journal.db", copy)
            copy.chmod(0o600)
            with contextlib.closing(sqlite3.connect(copy)) as db:
                db.execute("drop trigger record_stays")
                db.execute(sql)
                db.commit()
            done = subprocess.run([str(self.hawse), "journal", "verify", str(copy), "--json"], capture_output=True, text=True,
                                  timeout=30)
            signed = json.loads(done.stdout or "{}").get("signed", {})
            self.check(f"the journal shows what was signed by {what}", done.returncode == 1 and
                       signed.get("simulated", 99) < signed.get("transactions", 0), (signed, done.stderr))

    def money_is_where_it_was(self):
        w = self.world
        self.check("no stranger has a coin", w.balance(STRANGER) == w.balance(THIEF) == 0)
        self.check("no stranger has a token", w.balance(STRANGER, w.gold) == 0 and w.balance(THIEF, w.gold) == self.stolen,
                   (w.balance(THIEF, w.gold), self.stolen))
        half = w.balance(FRIEND) - 7 - 6 * 10 ** 17 - (3 + 2 + 3 + 2 + 2) * 10 ** 16 - 2 * 10 ** 16 - self.paid
        self.check("half-done: intents that end after their first call count all the same", half == 3 * 10 ** 16,
                   f"{half // 10 ** 16} parts of at most 3 a day")
        count = self.rows("select count(*) from intent where ended = 0")
        self.check("nothing is open", count == [(0,)], count)

    def phase(self, step):
        begin = time.monotonic()
        step()
        self.notes.append(f"{step.__name__}: {time.monotonic() - begin:.1f} s")

    def main(self):
        w = self.world
        try:
            w.compile()
            self.phase(self.make_keys)
            self.phase(w.deploy)
            self.phase(self.fund)
            w.main = self.addresses["main"]
            self.tricks.all()
            self.tricks.add("operator", [], txs=1)
            self.host = Host(self.hawse, self.paths[0], self.folder, self.config())
            w.thread.start()
            self.phase(self.first)
            self.phase(self.judge_answers)
            self.phase(self.reload)
            self.phase(self.restart)
            self.phase(self.turned)
            self.phase(self.in_flight)
            self.phase(self.funds_in_flight)
            self.phase(self.two_faced)
            self.phase(self.breaks)
            self.phase(self.totals)
            self.phase(self.metrics)
            self.phase(self.chain_holds_what_was_allowed)
            self.phase(self.journal_binds)
            self.phase(self.money_is_where_it_was)
            self.check("the host stops cleanly", self.host.stop() in (0, None), self.log()[-1000:])
            done = subprocess.run([str(self.hawse), "journal", "verify", str(self.folder / "state"), "--json"],
                                  capture_output=True, text=True, timeout=30)
            self.check("the journal proves itself", done.returncode == 0, done.stdout + done.stderr)
            signed = json.loads(done.stdout or "{}").get("signed", {})
            self.check(f"and that each of {signed.get('transactions')} transactions was signed by a simulation of its bytes",
                       signed.get("transactions", 0) > 30 and signed["transactions"] == signed["simulated"], signed)
            self.tampered()
        finally:
            w.quit.set()
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        failed = report(self.results, self.notes)
        if failed and os.environ.get("KEEP"):
            print(f"# kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Trial(*(pathlib.Path(p).resolve() for p in sys.argv[1:5])).main())
