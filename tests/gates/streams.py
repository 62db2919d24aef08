#!/usr/bin/env python3
"""Intents that depend on a sequence, before a real host whose connection to the chain is cut: live, cut, healed, and while
they wait for lower fees. The chain's plugin says itself what its sequences are; what is decided from one that is not live
is not signed. Prints TAP.

    streams.py HAWSE PLUGIN_DIR TRICKSTER_DIR ANVIL
"""
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "intents"))

import rig  # noqa: E402
from rig import Host, Node, journal, report  # noqa: E402
from world import FRIEND, GWEI  # noqa: E402

CHAIN = 100  # that of the plugin
KEYS = ("main", "second")
BLOCKS = 1  # the sequence of blocks: hawse/space/evm.h


class Wire:
    """Bytes to the node and back, until it is cut."""

    def __init__(self, port):
        self.to, self.whole, self.ends = port, True, []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.to))
            self.ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.whole = False
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def mend(self):
        self.whole = True


class Trial:
    def __init__(self, hawse, plugins, tricksters, anvil):
        rig.CHAIN_ID = CHAIN
        self.hawse, self.paths = hawse, [plugins, tricksters]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-streams-"))
        self.node, self.results, self.host = Node(anvil, self.folder), [], None
        self.wire, self.fee, self.quit = Wire(self.node.port), 2 * GWEI, threading.Event()

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-1500:]))

    def mine_on(self):
        while not self.quit.wait(0.12):
            try:
                self.node.call("anvil_setNextBlockBaseFeePerGas", hex(self.fee))
                self.node.call("evm_mine")
            except (OSError, RuntimeError):
                return

    def make_keys(self):
        (self.folder / "pass").write_text(rig.PASS + "\n")
        (self.folder / "pass").chmod(0o600)
        for name in KEYS:
            done = subprocess.run([str(self.hawse), "keys", "new", name, "--dir", str(self.folder / "keys"), "--cost",
                                   "interactive", "--passphrase-file", str(self.folder / "pass"), "--json", "--chain",
                                   str(CHAIN)], capture_output=True, text=True, timeout=60)
            address = rig.re.search(r"0x[0-9a-fA-F]{40}", done.stdout + done.stderr).group(0)
            self.node.call("anvil_setBalance", address, hex(10 ** 20))

    def config(self):
        provider = {"name": "anvil", "http": self.node.url, "per_second": 0}
        chain = {"chain_id": CHAIN, "block_ms": 120, "providers": [provider]}
        limits = {"intents_per_day": 100, "open_intents": 100, "counterparties": {FRIEND: {"recipient": True}},
                  "assets": {"coin": {"decimals": 18, "per_intent": "1", "per_day": "5"}}}
        flow = {"asset": "0x" + "0" * 40, "max_out": "7", "min_in": "0", "expected_in": "0"}
        item = {"calls": [{"to": FRIEND, "value": "7", "data": "0x"}], "flows": [flow]}
        times = {"backoff_min_ms": 20, "backoff_max_ms": 100, "idle_ms": 2000, "ping_ms": 500}
        url = f"127.0.0.1:{self.wire.port}"
        return {
            "hawse": 1, "control": {"socket": "control.sock"}, "plugins": {"path": list(map(str, self.paths))},
            "keys": {"dir": "keys", "use": {n: {"unlock": f"file:{self.folder / 'pass'}"} for n in KEYS}},
            "chains": {"local": {**chain, "tx": {"confirmations": 2}},
                       "dear": {**chain, "tx": {"confirmations": 2, "max_gas_price_gwei": 8}}},
            "instances": {
                "gnosis": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"], "settings": {"heads_idle_ms": 2000},
                           "endpoints": {"ws": {"url": f"ws://{url}", **times}, "http": f"http://{url}"}},
                "trickster": {
                    "plugin": "org.test.trickster-stable", "mode": "live", "links": {"chain": "gnosis"},
                    "grants": ["intent"], "limits": {"local": limits, "dear": limits},
                    "settings": {"chain": "local", "account": "main", "after_ms": 1500, "intents": [
                        {"id": "linked", **item, "streams": [{"link": "chain", "stream": BLOCKS}]},
                        {"id": "made-up", **item, "streams": [{"source": 77, "stream": BLOCKS}]},
                        {"id": "other-sequence", **item, "streams": [{"link": "chain", "stream": BLOCKS},
                                                                    {"link": "chain", "stream": 9}]},
                        {"id": "stale-ok", **item, "stale_ok": 1, "streams": [{"source": 77, "stream": 9}]}]}}}}

    # ---- what is done and how it ends ----

    def command(self, *words, text=None):
        return subprocess.run([str(self.hawse), *words, "--socket", str(self.folder / "control.sock")],
                              capture_output=True, text=True, timeout=20, input=text)

    def send(self, name, chain="local", source="gnosis", account="main", **more):
        intent = {"id": name, "chain": chain, "account": account, "calls": [{"to": FRIEND, "value": "7", "data": "0x"}],
                  "flows": [{"asset": "0x" + "0" * 40, "max_out": "7", "min_in": "0", "expected_in": "0"}],
                  "streams": [{"source": source, "stream": BLOCKS, "key": "0"}], **more}
        end = time.monotonic() + 10
        while (done := self.command("send", "trickster", "-", text=json.dumps(intent))).returncode != 0:
            if time.monotonic() > end:
                break
            time.sleep(0.1)
        return done

    def steps(self, name):
        try:
            with journal(self.folder) as db:
                return db.execute("select s.step, s.data from step s join intent i on i.number = s.intent where i.id = ? "
                                  "order by s.seq", (name,)).fetchall()
        except Exception:  # it is not there yet
            return []

    def until(self, what, seconds=10):
        end = time.monotonic() + seconds
        while not what() and time.monotonic() < end:
            time.sleep(0.05)
        return what()

    def reaches(self, name, step):
        return self.until(lambda: step in [s for s, _ in self.steps(name)] or
                          {3, 9, 11, 12} & {s for s, _ in self.steps(name)})

    def judge(self, what, name, step, words=""):
        self.reaches(name, step)
        last = (self.steps(name) or [(0, "{}")])[-1]
        data = json.loads(last[1] or "{}")
        gate = "stream" if words else None
        good = last[0] == step and words in data.get("reason", "") and data.get("gate") == gate
        self.check(f"{what}: {data.get('reason') or 'done'}", good, (last, self.host.logs()[-1][-800:]))

    # ---- the trial ----

    def run(self):
        confirmed, refused = 9, 3
        self.until(lambda: self.steps("stale-ok"), 15)
        self.judge("a strategy names a sequence that is live", "linked", confirmed)
        self.judge("and one of which nothing was said", "other-sequence", refused, "stream 9 of gnosis (of which nothing was said")
        self.judge("stale is good enough for it", "stale-ok", confirmed)
        made_up = "\n".join(self.host.logs())
        self.check("a source that is none of its links is refused at once",
                   "proposed made-up 0: -1" in made_up and "is none of its links" in made_up, made_up[-800:])
        self.send("live")
        self.judge("an operator names it too", "live", confirmed)
        self.send("nobody", source="nobody")
        self.judge("an instance that is not there", "nobody", refused, "stream 1 of nobody (not running) is not live")
        self.fee = 6 * GWEI  # twice of it is above the cap of one chain: what is proposed there waits
        self.until(lambda: int(self.node.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16) == self.fee)
        time.sleep(0.3)  # that the host has seen it
        self.send("waits", chain="dear", account="second")
        self.send("waits-stale", chain="dear", account="second", stale_ok=True)
        self.check("two wait for lower fees", [16 in [s for s, _ in self.steps(n)] for n in ("waits", "waits-stale")
                                               if self.reaches(n, 16)] == [True, True], self.steps("waits"))
        self.wire.cut()
        time.sleep(0.5)
        self.send("cut")
        self.judge("the connection is cut", "cut", refused, "stream 1 of gnosis (in a gap) is not live")
        self.send("cut-stale", stale_ok=True)
        self.judge("stale is good enough for it", "cut-stale", confirmed)
        self.host.kill()
        self.host.start()
        self.fee = 1 * GWEI
        self.judge("what waited is looked at again before it is signed, after a restart too", "waits", refused, "stream 1 of gnosis")
        self.judge("and goes through where stale is good enough", "waits-stale", confirmed)
        self.wire.mend()
        live = lambda n: (self.send(f"mended-{n}"), self.reaches(f"mended-{n}", confirmed),  # noqa: E731
                          self.steps(f"mended-{n}")[-1][0] == confirmed)[-1]
        tries = iter(range(100))
        self.check("mended, it is as before", self.until(lambda: live(next(tries)), 15), self.host.logs()[-1][-800:])
        self.wire.cut()
        time.sleep(0.3)
        self.send("cut-again")
        self.judge("cut again", "cut-again", refused, "stream 1 of gnosis (in a gap)")
        self.wire.mend()
        self.check("it heals", self.until(lambda: "healed: blocks" in self.host.logs()[-1], 15), self.host.logs()[-1][-800:])
        self.send("healed")
        self.judge("and then it is as before", "healed", confirmed)
        signed = {name: len([1 for s, _ in self.steps(name) if s == 5]) for name in
                  ("cut", "waits", "nobody", "other-sequence", "made-up")}
        self.check("nothing was signed for what was not live", not any(signed.values()), signed)

    def main(self):
        try:
            self.make_keys()
            threading.Thread(target=self.mine_on, daemon=True).start()
            self.host = Host(self.hawse, self.paths[0], self.folder, self.config())
            self.host.start()
            self.run()
            self.check("the host stops cleanly", self.host.stop() in (0, None), self.host.logs()[-1][-800:])
        finally:
            self.quit.set()
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        failed = report(self.results, [])
        shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Trial(*(pathlib.Path(p).resolve() for p in sys.argv[1:5])).main())
