#!/usr/bin/env python3
"""The futarchy strategy where the company token's spot pool is Balancer v3's: the real Vault, batch router and weighted pool,
half sDAI and half an ERC-4626 wrapper of the company token, both with rates that move. Prints TAP.

    spot_v3.py HAWSE PLUGIN_DIR ANVIL RIG FOLDER [--markets N] [--seed N]

RIG is rig.mjs; FOLDER keeps what v3/compile.mjs makes of the contracts' sources. What must hold: approvals are set by the
strategy's own verb, through Permit2; when nothing moves between decision and block, a trade gains to the wei what was
predicted, in bundles and one by one, whatever the rates were before.
"""
import argparse
import pathlib
import random
import sys
import tempfile
import threading
import time

from arb import Bot, E18, Node, Phase, TOKENS, Trial, word
from trials import Results

SELL, BUY = "0x286f580d", "0x8eb1b65e"  # swapExactIn, swapExactOut of the batch router
# The Vault calls that router back (its hooks), which calls the Vault while that waits for it.
CALLBACKS = ["0x08a465f6", "0x945ed33f",  # swapExactInHook, swapExactOutHook
             "0x2bfb780c", "0x43583be5", "0x15afd409", "0xae639329"]  # swap, wrap or unwrap, settle, sendTo
PERMIT2_MAX = 2 ** 160 - 1, 2 ** 48 - 1


class NodeV3(Node):
    def path(self, company_in, amount):
        """swapExactIn of one path: the wrapper's buffer and the pool, or the other way."""
        at = self.at
        buffer, out = (at["wrapper"], at["wrapper"], 1), (at["wrapper"], at["company"], 1)
        steps = [buffer, (at["v3Pool"], at["sdai"], 0)] if company_in else [(at["v3Pool"], at["wrapper"], 0), out]
        head = [0x80, 2 ** 40, 0, 17 * 32, 1, 0x20, at["company" if company_in else "sdai"], 0x80, amount, 0, 2]
        return SELL + "".join(word(n) for n in head + [n for step in steps for n in step] + [0])

    def spot(self, company_in, amount, tip=2 * 10 ** 9):
        return self.send(self.others, self.at["batchRouter"], self.path(company_in, amount), tip)

    def arm_others(self):
        super().arm_others()
        for token in TOKENS[:2]:
            self.approve(self.others, token, "permit2")
            self.send(self.others, self.at["permit2"], "0x87517c45" + word(self.at[token]) + word(self.at["batchRouter"]) +
                      word(PERMIT2_MAX[0]) + word(PERMIT2_MAX[1]))

    def grow(self, ppb):
        """Both rates by so many billionths."""
        for at in (self.at["wrapper"], self.at["sdai"]):
            rate = self.view(at, "0x2c4e722e")
            self.send(self.others, at, "0x34fcf437" + word(rate * (10 ** 9 + ppb) // 10 ** 9))


class BotV3(Bot):
    def fund(self):
        """No allowances: they are set by the strategy's own verb."""
        self.node.call("anvil_setBalance", self.address, hex(10 ** 22))
        self.node.send(self.node.others, self.node.at["sdai"], "0x40c10f19" + word(self.address) + word(20000 * E18))

    def config(self, settings):
        at = self.node.at
        made = super().config({"spot_kind": "balancer-v3", "spot_pool": at["v3Pool"], "batch_router": at["batchRouter"],
                               "permit2": at["permit2"], "whole_block_ms": 500, "gas_units": 1500000, **settings})
        made["instances"]["balancer"].update(plugin="org.hawse.balancer-v3", allow="experimental",
                                             settings={"vault": at["v3Vault"], "pools": [at["v3Pool"]]})
        limits = made["instances"]["arb"]["limits"]["gnosis"]
        limits["callbacks"] = CALLBACKS
        places = limits["counterparties"]
        del places[at["balancerVault"]]
        places[at["batchRouter"]] = {"functions": [SELL, BUY]}
        places[at["permit2"]] = {"functions": ["approve(address,address,uint160,uint48)"]}
        for spender in (at["futarchyRouter"], at["swapRouter"], at["batchRouter"], at["permit2"]):
            places[spender]["spender"] = "unlimited"
        return made


class PhaseV3(Phase):
    bots = BotV3

    def shake(self):
        """Rates move before half of the markets, as a wrapper's do in a block: the pool is another one without a log of it."""
        if self.random.random() < 0.5:
            self.node.grow(self.random.choice([1, 10, 1000, 100000]))
        super().shake()

    def send(self, *words):
        """A verb that sends transactions: blocks come while it waits for them. Its answer, and its exit status."""
        answer = []
        asking = threading.Thread(target=lambda: answer.append(self.bot.call("approvals", *words, "--send")))
        asking.start()
        while asking.is_alive():
            self.node.call("evm_mine")
            asking.join(0.3)
        return answer[0] if answer else ("no answer", None)

    def judge_approvals(self):
        """None at first; all 14 after the verb; the account is ready then."""
        lacks, _ = self.bot.call("approvals", "list")
        told, status = self.bot.call("verify")
        self.check("before: 14 pairs, no allowance, and verify says so",
                   len(lacks) == 14 and all(one["amount"] == "0" for one in lacks) and status == 1, (lacks, told))
        done, status = self.send("set")
        has, _ = self.bot.call("approvals", "list")
        self.check("approvals set --send: all 14, Permit2 and what it keeps for the router among them",
                   status == 0 and all(int(one["amount"]) == 2 ** 256 - 1 for one in has), (done, has))
        told, status = self.bot.call("verify")
        self.check("verify: ready", status == 0, told)

    def judge_revoked(self):
        _, status = self.send("revoke")
        has, _ = self.bot.call("approvals", "list")
        self.check("approvals revoke --send takes all 14 back", status == 0 and all(one["amount"] == "0" for one in has), has)


class TrialV3(Trial):
    def __init__(self, options):
        self.o, self.results = options, Results()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-spot-v3-"))
        self.random = random.Random(options.seed)
        self.node = NodeV3(options.anvil, f"{options.rig} --v3 {options.folder}", self.folder, "--disable-code-size-limit")
        self.node.arm_others()

    def run(self):
        began = time.monotonic()
        try:
            self.node.freeze_fees()
            with PhaseV3(self, "bundled", simulation_slippage_ppm=0) as p:
                p.judge_approvals()
                p.markets(self.o.markets)
                p.judge_markets(self.o.markets, "bundles, v3", time.monotonic() - began)
                p.judge_sum()
                p.judge_revoked()
        finally:
            self.node.stop()
        self.results.notes.append(f"{time.monotonic() - began:.0f} s")
        return self.results.report()


def main():
    p = argparse.ArgumentParser()
    for name in ("hawse", "plugins", "anvil", "rig", "folder"):
        p.add_argument(name)
    p.add_argument("--markets", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    options = p.parse_args()
    options.hawse, options.plugins = pathlib.Path(options.hawse).resolve(), pathlib.Path(options.plugins).resolve()
    options.folder = pathlib.Path(options.folder).resolve()
    sys.exit(1 if TrialV3(options).run() else 0)


if __name__ == "__main__":
    main()
