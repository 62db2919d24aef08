#!/usr/bin/env python3
"""Intents that go out by a private relay, on a real node (anvil) and a stand-in of the relay (relay.mjs): what must stay
private never reaches the node's pool by hawse, whatever the relay does and also across a crash; what may leave does when
private was in vain; what may not is made void. Prints TAP.

    run.py HAWSE PLUGIN_DIR ANVIL
"""
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "intents"))
from rig import BLOCK_S, COUNTER, TARGET, Host, Node, journal, make_key, report  # noqa: E402
from bundles import FLIPS, Bundles  # noqa: E402
from troubles import Troubles, hit  # noqa: E402

POOL = "0x00000000000000000000000000000000000900ef"
ATTACKER = "0x0000000000000000000000000000000000a77ac6"
GWEI = 10 ** 9
SIMULATES = ("eth_simulateV1", "debug_traceCall", "eth_call")
FOLDER = pathlib.Path(__file__).resolve().parent


class Public(http.server.BaseHTTPRequestHandler):
    """The node as a provider: what hawse gives to the public pool is written down."""
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        question = json.loads(body)
        for one in question if isinstance(question, list) else [question]:
            if one["method"] == "eth_sendRawTransaction":
                self.server.seen.append(one["params"][0])
        if not self.server.simulates and isinstance(question, dict) and question["method"] in SIMULATES:
            self.answer(json.dumps({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -32602, "message": "invalid params"}}).encode())
            return
        request = urllib.request.Request(self.server.node, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.answer(answer.read())

    def answer(self, text):
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()


class Relays(Bundles, Troubles):
    def serve(self):
        self.public = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Public)
        self.public.daemon_threads = True
        self.public.node, self.public.seen, self.public.simulates = self.node.url, [], True
        threading.Thread(target=self.public.serve_forever, daemon=True).start()
        self.relay = subprocess.Popen(["node", str(FOLDER / "relay.mjs"), self.node.url], stdout=subprocess.PIPE, text=True)
        self.relay_url = f"http://127.0.0.1:{int(self.relay.stdout.readline())}"

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.relay_url + path, data, timeout=20) as answer:
            return json.loads(answer.read())

    def mode(self, mode):
        self.ask("/control", {"mode": mode, "requests": [], "canceled": [], "fate": None, "leaked": False})
        self.public.seen.clear()

    def requests(self):
        return self.ask("/state")["requests"]

    def config(self):
        config = super().config()
        local = config["chains"]["local"]
        local["providers"][0]["http"] = f"http://127.0.0.1:{self.public.server_address[1]}"
        limits = config["instances"]["operator"]["limits"]["local"]
        limits["assets"] = {"pool": {"address": POOL, "decimals": 0, "per_intent": "1", "per_day": "1"}}
        limits["counterparties"].update({POOL: {"functions": ["swap(bool)"]}, FLIPS: {"functions": ["hit(uint256)"]}})
        local["tx"].update({"relay": self.relay_url, "relay_blocks": 3, "relay_rounds": 2, **self.way})
        return config

    def restart(self, **way):
        if self.host:
            self.check("the host stops cleanly", self.host.stop() == 0, self.host.logs()[-1])
        self.restart_as(**way)

    def restart_as(self, **way):
        self.way = way
        self.host = Host(self.hawse, self.plugins, self.folder, self.config())
        self.host.start()
        time.sleep(0.5)

    # ---- trials ----

    def taken(self):
        self.mode("include")
        self.send("taken", [{"to": TARGET, "data": hit(1)}], route="private")
        words = self.until("taken", "CONFIRMED")
        came, state = self.requests(), self.ask("/state")
        self.check("a private intent is executed, and the node's pool never had it from hawse",
                   words[-1] == "CONFIRMED" and self.count(1) == 1 and not self.public.seen and len(came) == 1,
                   (words, came, self.public.seen))
        self.check("requests are signed by the relay's own key, over their very bytes",
                   state["refused"] == 0 and state["signers"] == [self.addresses["auth"]], state)
        self.check("an offer is good for the blocks that the configuration says",
                   came and int(came[0]["maxBlock"], 16) in range(came[0]["head"], came[0]["head"] + 4), came)

    def usual(self):
        self.mode("include")
        self.send("usual", [{"to": TARGET, "data": hit(2)}])
        self.until("usual", "CONFIRMED")
        self.check("the relay is the way of intents that name none", self.count(2) == 1 and not self.public.seen
                   and len(self.requests()) == 1, self.public.seen)
        self.send("open", [{"to": TARGET, "data": hit(3)}], route="public")
        self.until("open", "CONFIRMED")
        self.check("one that asks for public goes public", self.count(3) == 1 and len(self.public.seen) >= 1
                   and len(self.requests()) == 1, self.public.seen)

    def down(self):
        self.mode("down")
        self.send("down", [{"to": TARGET, "data": hit(4)}], route="private")
        self.until("down", "UNKNOWN")
        self.mine(1)
        quiet = not self.public.seen
        self.mode("include")
        words = self.until("down", "CONFIRMED")
        self.check("while the relay is down it waits, private; then it is executed once",
                   words[-1] == "CONFIRMED" and self.count(4) == 1 and quiet and not self.public.seen,
                   (words, self.public.seen))

    def killed(self):
        self.mode("keep")
        self.send("crash", [{"to": TARGET, "data": hit(5)}], route="private")
        self.until("crash", "SEEN", mine=False)
        self.host.kill()
        self.mode("include")
        self.host.start()
        words = self.until("crash", "CONFIRMED")
        self.check("what a crash left with the relay is offered there again, and nowhere else",
                   words[-1] == "CONFIRMED" and self.count(5) == 1 and not self.public.seen and self.requests(),
                   (words, self.public.seen))

    def counted(self):
        """A crash gives no relay more offers than the configuration says."""
        self.mode("keep")
        self.send("counted", [{"to": TARGET, "data": hit(12)}], route="private")
        self.until("counted", "SEEN", mine=False)
        self.mine(1)
        self.host.kill()
        self.host.start()
        time.sleep(1)
        self.mine(4)  # the second range
        end = time.monotonic() + 5
        while len({r["maxBlock"] for r in self.requests()}) < 2 and time.monotonic() < end:
            self.mine(1)
        self.host.kill()
        self.host.start()
        words = self.until("counted", "FAILED", seconds=20)
        ranges = {r["maxBlock"] for r in self.requests()}
        self.check("offers are counted across crashes of the host", words[-1] == "FAILED" and self.count(12) == 0
                   and len(ranges) == 2 and not any(hit(12)[2:] in raw for raw in self.public.seen), (words, self.requests()))
        self.mode("include")

    def in_vain(self):
        self.mode("keep")
        self.send("vain", [{"to": TARGET, "data": hit(6)}], route="private")
        words = self.until("vain", "FAILED", seconds=20)
        came = self.requests()
        nonces = {r["nonce"] for r in came}
        self.check("one that the relay never gets into a block is made void, in public, with the same nonce",
                   words[-1] == "FAILED" and self.count(6) == 0 and len(came) == 2 and len(nonces) == 1
                   and len({r["maxBlock"] for r in came}) == 2 and self.public.seen, (words, came, self.public.seen))
        own = self.addresses["bot"][2:].lower()
        self.check("what went public for it does nothing: to itself, without a call",
                   all(own in raw and hit(6)[2:] not in raw for raw in self.public.seen), self.public.seen)
        self.mode("include")
        self.send("next", [{"to": TARGET, "data": hit(7)}])
        self.until("next", "CONFIRMED")
        self.check("the next one goes on behind it", self.count(7) == 1, self.words("next"))

    def auth(self):
        self.mode("include")
        done = self.send("auth", [{"to": TARGET, "data": hit(8)}], account="auth")
        self.mine(2)
        self.check("the relay's key is nobody's account", self.count(8) == 0 and "CONFIRMED" not in self.words("auth"),
                   done.stdout + done.stderr)

    def plain(self):
        """Another form of relay, from which the operator lets transactions leave."""
        self.restart(relay=self.relay_url + "/raw", relay_form="raw", relay_method="polygon_private_tx", relay_bare=True,
                     relay_fallback=True)
        self.mode("include")
        self.send("bare", [{"to": TARGET, "data": hit(9)}])
        self.until("bare", "CONFIRMED")
        self.check("a plain endpoint gets digits without 0x", self.count(9) == 1 and len(self.requests()) == 1
                   and not self.public.seen, self.requests())
        self.mode("keep")
        self.send("leaves", [{"to": TARGET, "data": hit(10)}])
        words = self.until("leaves", "CONFIRMED", seconds=20)
        self.check("with fallback it goes public when private was in vain, the same bytes",
                   words[-1] == "CONFIRMED" and self.count(10) == 1 and len(self.requests()) == 2
                   and any(hit(10)[2:] in raw for raw in self.public.seen), (words, self.requests()))
        self.mode("keep")
        self.send("stays", [{"to": TARGET, "data": hit(11)}], route="private")
        words = self.until("stays", "FAILED", seconds=20)
        self.check("but never one that asked for private", words[-1] == "FAILED" and self.count(11) == 0
                   and not any(hit(11)[2:] in raw for raw in self.public.seen), (words, self.public.seen))

    # ---- bundles ----

    def bundled(self):
        self.restart(relay_auth="auth", relay_form="bundle")
        self.mode("include")
        self.send("bundled", [{"to": TARGET, "data": hit(20)}], route="private")
        words = self.until("bundled", "CONFIRMED")
        came, state = self.requests(), self.ask("/state")
        self.check("a bundle is in a block that it was for, and its transaction in no pool", words[-1] == "CONFIRMED"
                   and self.count(20) == 1 and not self.public.seen and state["included"] > 0 and state["refused"] == 0
                   and all(r["method"] == "eth_sendBundle" and r["block"] in (r["head"] + 1, r["head"] + 2) for r in came),
                   (words, came, self.public.seen))

    def each_block(self):
        self.mode("keep")
        self.send("patient", [{"to": TARGET, "data": hit(21)}], route="private")
        self.until("patient", "SEEN", mine=False)
        for _ in range(3):
            self.mine(1)
            time.sleep(0.3)
        came = self.requests()
        blocks = [r["block"] for r in came]
        stats = self.ask("/state")["stats"]
        shown = self.command("intents").stdout
        end = time.monotonic() + 3
        while "considered" not in shown and time.monotonic() < end:
            time.sleep(0.1)
            shown = self.command("intents").stdout
        self.check("it goes out for each block in turn, once, by an uuid of the block's own", len(set(blocks)) == len(blocks)
                   and len(blocks) >= 3 and len({r["uuid"] for r in came}) == len(came) and blocks == sorted(blocks), came)
        self.check("how far it came is asked, and shown", stats > 0 and "the relay says: considered" in shown, (stats, shown))
        self.host.kill()
        self.mode("include")
        self.host.start()
        words = self.until("patient", "CONFIRMED")
        again = {r["block"]: r["uuid"] for r in self.requests() if r["block"] in blocks}
        self.check("after a crash it goes on where it was, with the same uuids, and once", words[-1] == "CONFIRMED"
                   and self.count(21) == 1 and not self.public.seen
                   and all(uuid in {r["uuid"] for r in came} for uuid in again.values()), (words, came, self.requests()))

    def taken_back(self):
        self.mode("keep")
        self.send("back", [{"to": TARGET, "data": hit(22)}], route="private")
        self.until("back", "SEEN", mine=False)
        self.mine(1)
        words = self.until("back", "FAILED", seconds=20)
        state = self.ask("/state")
        offered = {r["uuid"] for r in state["requests"]}
        self.check("what no block took is made void in public, and the relay is told to forget it", words[-1] == "FAILED"
                   and self.count(22) == 0 and len(state["canceled"]) == 2 and self.public.seen
                   and not any(hit(22)[2:] in raw for raw in self.public.seen), (words, state["canceled"], offered))
        self.mode("include")
        self.send("behind", [{"to": TARGET, "data": hit(23)}])
        self.until("behind", "CONFIRMED")
        self.check("its nonce is used, and the next one goes on behind it", self.count(23) == 1 and self.count(22) == 0,
                   self.words("behind"))

    def killed_while_void(self):
        """The host is killed at each step of giving a bundle up."""
        for i, step in enumerate(("SENT", "SEEN", "REPLACED")):
            name = f"void{i}"
            self.mode("keep")
            self.send(name, [{"to": TARGET, "data": hit(24 + i)}], route="private")
            self.until(name, step, seconds=20, mine=step == "REPLACED")
            self.host.kill()
            self.host.start()
            words = self.until(name, "FAILED", seconds=20)
            self.check(f"a host that is killed when it is {step} gives the bundle up once", words[-1] == "FAILED"
                       and self.count(24 + i) == 0 and not any(hit(24 + i)[2:] in raw for raw in self.public.seen), words)

    # ---- the status API ----

    def fates(self):
        self.restart(relay_auth="auth", relay_status=self.relay_url + "/tx", relay_blocks=20, relay_rounds=50)
        self.mode("keep")
        self.send("fate", [{"to": TARGET, "data": hit(30)}], route="private")
        self.until("fate", "SEEN", mine=False)
        self.mine(1)
        first = self.requests()
        self.ask("/control", {"fate": "FAILED"})
        end = time.monotonic() + 5
        while len(self.requests()) < 2 and time.monotonic() < end:
            self.mine(1)
        early = self.requests()
        self.ask("/control", {"fate": None, "mode": "include"})
        words = self.until("fate", "CONFIRMED")
        self.check("a transaction that the relay gave up is offered anew before its blocks are over", len(first) == 1
                   and len(early) == 2 and early[1]["head"] < int(first[0]["maxBlock"], 16) and words[-1] == "CONFIRMED"
                   and self.count(30) == 1 and self.ask("/state")["statuses"] > 0, (first, early, words))

    def leaked(self):
        self.restart(relay_auth="auth", relay_status=self.relay_url + "/tx", relay_fallback=True, relay_blocks=20,
                     relay_rounds=50)
        self.mode("keep")
        self.send("leaked", [{"to": TARGET, "data": hit(31)}])
        self.until("leaked", "SEEN", mine=False)  # so that its nonce is the first
        self.send("secret", [{"to": TARGET, "data": hit(32)}], route="private")
        self.until("secret", "SEEN", mine=False)
        self.ask("/control", {"leaked": True})
        words = self.until("leaked", "CONFIRMED")
        self.check("what leaked goes public at once, where it may", words[-1] == "CONFIRMED" and self.count(31) == 1
                   and any(hit(31)[2:] in raw for raw in self.public.seen), (words, self.words("fate"), self.attempts("leaked")))
        self.check("and what asked for private stays, whatever is said of it", self.count(32) == 0
                   and not any(hit(32)[2:] in raw for raw in self.public.seen), self.words("secret"))
        self.mode("include")
        self.host.kill()
        self.restart_as(relay_auth="auth", relay_blocks=3, relay_rounds=50)
        words = self.until("secret", "CONFIRMED", seconds=20)
        self.check("until the relay has it in a block", words[-1] == "CONFIRMED" and self.count(32) == 1, words)

    # ---- somebody runs into a trade ----

    def attack(self, forward, fee, tip):
        data = "0x" + self.attacker["functions"]["swap(address,bool)"] + f"{int(POOL, 16):064x}{forward:064x}"
        return self.node.call("eth_sendTransaction", {"from": self.node.call("eth_accounts")[0], "to": ATTACKER, "data": data,
                                                      "gas": hex(200000), "maxFeePerGas": hex(fee),
                                                      "maxPriorityFeePerGas": hex(tip)})

    def swap(self, name):
        flow = {"asset": POOL, "max_out": "0", "min_in": "900", "expected_in": "900"}
        self.send(name, [{"to": POOL, "data": "0x" + self.pool["functions"]["swap(bool)"] + f"{1:064x}"}], flows=[flow])

    def notes(self):
        with journal(self.folder) as db:
            rows = db.execute("select data from record where kind = 'note'").fetchall()
        return [note["data"] for note in map(json.loads, (row[0] for row in rows)) if note["what"] == "sandwich"]

    def sandwiched(self):
        done = subprocess.run(["node", str(FOLDER.parent / "gates/compile.mjs"), str(FOLDER / "pool.sol")],
                              capture_output=True, text=True, timeout=60, check=True)
        contracts = json.loads(done.stdout)
        self.pool, self.attacker = contracts["Pool"], contracts["Attacker"]
        for address, contract in ((POOL, self.pool), (ATTACKER, self.attacker)):
            deployed = self.node.call("eth_sendTransaction", {"from": self.node.call("eth_accounts")[0], "gas": hex(2000000),
                                                              "data": contract["code"]})
            self.mine(1)
            made = self.node.call("eth_getTransactionReceipt", deployed)["contractAddress"]
            self.node.call("anvil_setCode", address, self.node.call("eth_getCode", made, "latest"))
        self.node.call("anvil_setStorageAt", POOL, "0x1", "0x" + f"{1000:064x}")
        self.restart(relay_auth="auth", route="public")
        self.mode("include")
        self.swap("quiet")
        words = self.until("quiet", "CONFIRMED")
        self.check("a trade that nobody ran into is not suspected", words[-1] == "CONFIRMED" and not self.notes(), words)
        self.attack(0, 60 * GWEI, GWEI)  # the price as it was, in the view of the host too
        self.mine(4)
        self.public.seen.clear()
        self.swap("eaten")
        self.until("eaten", "SEEN", mine=False)
        base = int(self.node.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
        self.attack(1, 60 * GWEI, 50 * GWEI)
        self.attack(0, base * 5 // 4, 0)  # behind ours
        words = self.until("eaten", "CONFIRMED")
        self.mine(1)
        notes = self.notes()
        self.check("a sandwich is found and noted: who, where, and what it took", words[-1] == "CONFIRMED" and len(notes) == 1
                   and notes[0]["whole"] and notes[0]["lost"] == "100" and notes[0]["pool"] == POOL
                   and notes[0]["by"] == self.node.call("eth_accounts")[0].lower() and self.public.seen, (words, notes))
        self.public.seen.clear()
        self.send("wary", [{"to": TARGET, "data": hit(13)}])
        words = self.until("wary", "CONFIRMED")
        self.check("after it intents go by the relay", words[-1] == "CONFIRMED" and self.count(13) == 1
                   and len(self.requests()) == 1 and not self.public.seen, (words, self.requests(), self.public.seen))

    def main(self):
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.addresses = {n: make_key(self.hawse, self.folder, n) for n in ("bot", "auth")}
            self.node.call("anvil_setBalance", self.addresses["bot"], hex(10 ** 21))
            self.mine(2)
            self.serve()
            self.restart(relay_auth="auth")
            for trial in (self.taken, self.usual, self.down, self.killed, self.counted, self.in_vain, self.auth, self.plain,
                          self.no_bundles, self.bundled, self.each_block, self.taken_back, self.killed_while_void,
                          *self.bundles(), self.fates, self.leaked, self.sandwiched):
                trial()
            self.check("the host stops cleanly", self.host.stop() == 0, self.host.logs()[-1])
            done = subprocess.run([str(self.hawse), "journal", "verify", str(self.folder / "state"), "--json"],
                                  capture_output=True, text=True, timeout=60)
            self.check("the journal holds, and each transaction in it is one that was simulated", done.returncode == 0,
                       done.stdout + done.stderr)
        finally:
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.relay.kill()
            self.relay.wait()
            self.node.stop()
        failed = report(self.results)
        shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Relays(*(pathlib.Path(p).resolve() for p in sys.argv[1:4])).main())
