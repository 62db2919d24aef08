#!/usr/bin/env python3
"""How soon an intent goes: on a real node, with the chain's view kept while nothing is open (tx.keep_view) and without, heads
by push and asked for, and an intent that was decided from a block which its host does not know yet. Prints TAP.

    prompt.py HAWSE PLUGIN_DIR ANVIL
"""
import json
import pathlib
import shutil
import sys
import time

from rig import COUNTER, TARGET, Host, Proxy, make_key, report, until
from troubles import END, Troubles, hit

BLOCK_MS = 1500  # by which the host reckons; blocks are made by hand


class Noting(Proxy):
    """Notes what is asked, in its order."""

    def __init__(self, node):
        super().__init__(node)
        self.asked = []

    def answer(self, body):
        self.asked.append(json.loads(body)["method"])
        return super().answer(body)


class Prompt(Troubles):
    def __init__(self, hawse, plugins, anvil):
        super().__init__(hawse, plugins, anvil)
        self.proxy = Noting(self.node)

    def config(self):
        config = super().config()
        chain = config["chains"]["local"]
        chain["block_ms"] = BLOCK_MS
        chain["tx"]["keep_view"] = self.keeps
        if self.pushes:
            chain["providers"][0]["ws"] = self.node.url.replace("http", "ws")
        return config

    def begin(self, keeps, pushes):
        """A host of this kind, that has sent once."""
        self.keeps, self.pushes = keeps, pushes
        if self.host:
            self.host.stop()
        self.host = Host(self.hawse, self.plugins, self.folder, self.config())
        self.host.start()
        name = f"first-{keeps}-{pushes}"
        self.send(name, [{"to": TARGET, "data": hit(0)}])
        self.until(name, "CONFIRMED")
        time.sleep(0.3)

    def first_questions(self, name, times=4):
        """What is asked first once an intent is there, right after its chain was looked at, if it is."""
        for again in range(times):
            before = len(self.proxy.asked)
            until(lambda: len(self.proxy.asked) > before, BLOCK_MS / 2000, 0.01)
            time.sleep(0.15)
            before = len(self.proxy.asked)
            self.send(f"{name}-{again}", [{"to": TARGET, "data": hit(20)}])
            until(lambda: "eth_sendRawTransaction" in self.proxy.asked[before:], 5, 0.01)
            new = self.proxy.asked[before:]
            self.until(f"{name}-{again}", "CONFIRMED")
            yield new[0]

    def looked(self, seconds):
        """Questions about fees, while blocks come and nothing is open."""
        before = self.proxy.asked.count("eth_feeHistory")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.mine()
        return self.proxy.asked.count("eth_feeHistory") - before

    def kept(self):
        self.begin(keeps=False, pushes=False)
        idle, first = self.looked(4), list(self.first_questions("cold"))
        self.check("without keep_view an idle chain is not looked at, and an intent first asks for its head",
                   idle <= 1 and set(first) == {"eth_getBlockByNumber"}, (idle, first))
        self.begin(keeps=True, pushes=False)
        idle, first = self.looked(4), list(self.first_questions("kept"))
        self.check("with it each head is, and an intent first asks for its simulation",
                   idle >= 3 and first.count("eth_simulateV1") >= 2, (idle, first))

    def pushed(self):
        self.begin(keeps=True, pushes=True)
        before = self.proxy.asked.count("eth_simulateV1")
        number = int(self.node.call("eth_blockNumber"), 16)
        self.node.call("evm_mine")
        done = self.send("on-top", [{"to": TARGET, "data": hit(21)}], basis_block=str(number + 1))
        until(lambda: "SENT" in self.words("on-top"), 5, 0.02)
        simulated = [json.loads(row[2])["figures"]["block"] for row in self.steps("on-top") if row[0] == 4]
        self.check("a head that is pushed is one to decide on", simulated and int(simulated[0]) >= number + 1
                   and self.proxy.asked.count("eth_simulateV1") > before, (done.stderr, simulated, self.words("on-top")))
        self.until("on-top", "CONFIRMED")

    def ahead_of(self):
        for pushes in (True, False):
            self.begin(keeps=True, pushes=pushes)
            name = f"ahead-{pushes}"
            number = int(self.node.call("eth_blockNumber"), 16)
            self.send(name, [{"to": TARGET, "data": hit(22)}], basis_block=str(number + 1))
            time.sleep(0.6)
            waiting = self.words(name)
            self.node.call("evm_mine")
            begin = time.monotonic()
            until(lambda: "SENT" in self.words(name), 5, 0.01)
            took = time.monotonic() - begin
            simulated = [int(json.loads(row[2])["figures"]["block"]) for row in self.steps(name) if row[0] == 4]
            self.check(f"what was decided from a block waits for it, {'pushed' if pushes else 'asked for'}",
                       "SIMULATED" not in waiting and not END & set(waiting) and min(simulated, default=0) > number and took < 2,
                       (waiting, simulated, number, took))
            self.until(name, "CONFIRMED")
        self.send("far", [{"to": TARGET, "data": hit(23)}], basis_block="999999999999", deadline_block=str(number + 8))
        before = len(self.proxy.asked)
        time.sleep(1)
        asked = len(self.proxy.asked) - before
        words = self.until("far", "EXPIRED")
        self.check("one that is far away is not asked for again and again, and its deadline ends it",
                   asked < 40 and words[-1] == "EXPIRED" and "SIMULATED" not in words, (asked, words))

    def main(self):
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.addresses = {n: make_key(self.hawse, self.folder, n) for n in ("bot", "poor")}
            self.node.call("anvil_setBalance", self.addresses["bot"], hex(10 ** 21))
            self.mine(2)
            for part in (self.kept, self.pushed, self.ahead_of):
                part()
            self.check("the host stops cleanly", self.host.stop() == 0, self.host.logs()[-1])
        finally:
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        failed = report(self.results)
        shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Prompt(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()).main())
