#!/usr/bin/env python3
"""An operator's folder for a market on a local chain: a key, coins and sDAI, and a configuration of the strategy in canary
mode. plugins/strategies/futarchy-arb/CANARY.md says what to do with it.

    operate.py folder URL MARKET FOLDER HAWSE PLUGIN_DIR     makes it
    operate.py gap URL MARKET                                another trader moves the spot price by some per cent

URL: a local node (anvil); MARKET: what `node tests/futarchy/rig.mjs URL` printed.
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from arb import E18, Bot, Node, word  # noqa: E402

AMOUNTS = ["0.1", "0.5", "1", "5"]  # with less no gap of some per cent pays for its gas


class LocalNode(Node):
    """One that runs already, with the market on it."""

    def __init__(self, url, market):
        self.url, self.at = url, market
        self.others = market["deployer"]["address"]
        self.call("anvil_impersonateAccount", self.others)


class Operator(Bot):
    """Has coins, but no approvals: these are the operator's to give."""

    def fund(self):
        self.node.call("anvil_setBalance", self.address, hex(10 ** 20))
        self.node.send(self.node.others, self.node.at["sdai"], "0x40c10f19" + word(self.address) + word(100 * E18))


def make_folder(node, folder, hawse, plugins):
    folder, hawse, plugins = (pathlib.Path(p).resolve() for p in (folder, hawse, plugins))
    code = node.call("eth_getCode", node.at["executor"], "latest")
    bot = Operator(hawse, plugins, node, folder, test_mode=False, amount="1", max_bundle_amount="5", stage="canary",
                   canary_amounts=AMOUNTS, canary_interval_s=5, execution="fallback", breaker_failures=3,
                   rollback_ppm=200000, safe_interval_s=120, executor_code_hash=node.call("web3_sha3", code),
                   executor_code_size=len(code) // 2 - 1)
    config = json.loads((folder / "hawse.json").read_text())
    arb = config["instances"]["arb"]
    arb["mode"] = "canary"
    for who in ("futarchyRouter", "swapRouter", "balancerVault"):
        arb["limits"]["gnosis"]["counterparties"][node.at[who]]["spender"] = "unlimited"
    (folder / "hawse.json").write_text(json.dumps(config, indent=1) + "\n")
    node.call("evm_setAutomine", False)  # the rig has a block for each transaction; a chain has them by time
    node.call("evm_setIntervalMining", 1)
    print(f"{folder}/hawse.json: account {bot.address} has 100 xDAI and 100 sDAI, and no approvals yet")


def main(what, url, market, *more):
    node = LocalNode(url, json.loads(pathlib.Path(market).read_text()))
    if what == "folder":
        make_folder(node, *more)
    else:
        node.spot(True, 15 * E18)
        print("15 company tokens were sold in the spot pool")


if __name__ == "__main__":
    if [len(sys.argv), *sys.argv[1:2]] not in ([7, "folder"], [4, "gap"]):
        sys.exit(__doc__)
    main(*sys.argv[1:])
