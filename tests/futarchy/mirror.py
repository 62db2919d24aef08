"""A futarchy market as the chain has it, read anew from a node for model.py; and what a bundle did, by its receipt."""
from model import Pool, Rules, Spot, up

SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
MINT = "0x7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde"
BURN = "0x0c396cd989a39f4459b5fa1aed6a9a8dcdbc45908acfd67e028cd568da98982c"
SPOT_SWAP = "0x2170c741c41531aec20e7c107c24eecfdd15e69c9bb0a8dd37b1840b9e0b207b"
PAIRS = {"yes": ("yesCompany", "yesSdai"), "no": ("noCompany", "noSdai"), "predYes": ("yesSdai", "sdai"),
         "predNo": ("noSdai", "sdai")}
LEGS = ("yes", "no", "spot", "liquidation")
GAS_UNITS, TIP = 1200000, 10 ** 9  # defaults of the strategy's settings


def signed(word, bits=256):
    n = int(word, 16) & (2 ** bits - 1)
    return n - 2 ** bits if n >> (bits - 1) else n


def words(data):
    return [data[i:i + 64] for i in range(2, len(data), 64)]


class Mirror:
    def __init__(self, node):
        self.node, self.at = node, node.at
        self.pools = {address.lower(): name for name, address in self.at["pools"].items()}
        self.ticks, self.read_to = {name: {} for name in PAIRS}, -1
        self.fee = int(node.call("eth_call", {"to": self.at["weightedPool"], "data": "0x55c67628"}, "latest"), 16)

    def follow(self, block):
        """Initialised ticks of all pools, from their logs up to the block; they only go forward."""
        if block <= self.read_to:
            return
        logs = self.node.call("eth_getLogs", {"address": list(self.pools), "topics": [[MINT, BURN]],
                                              "fromBlock": hex(self.read_to + 1), "toBlock": hex(block)})
        for log in logs:
            ticks, mint = self.ticks[self.pools[log["address"].lower()]], log["topics"][0] == MINT
            low, high = (signed(topic[2:], 24) for topic in log["topics"][2:4])
            liquidity = int(words(log["data"])[1 if mint else 0], 16) * (1 if mint else -1)
            for tick, change in ((low, liquidity), (high, -liquidity)):
                ticks[tick] = ticks.get(tick, 0) + change
                if ticks[tick] == 0:
                    del ticks[tick]
        self.read_to = block

    def market(self, block):
        """The pools as they are after the block, and the rules of a decision then."""
        asked, at = [], self.at
        for name, (base, quote) in PAIRS.items():
            pool = at["pools"][name]
            asked += [(pool, "0xe76c01e4"), (pool, "0x1a686502"), (at["quoter"], "0x2d9ebd1d" + "".join(
                n.rjust(64, "0") for n in (at[base][2:], at[quote][2:], "f4240", "0")))]
        asked += [(at["balancerVault"], "0xf94d4668" + at["weightedPoolId"][2:]),
                  (at["sdai"], "0x07a2d13a" + f"{10 ** 18:064x}")]
        got = self.node.batch([("eth_call", {"to": to, "data": data}, hex(block)) for to, data in asked] +
                              [("eth_getBlockByNumber", hex(block), False)])
        self.follow(block)
        found = {}
        for i, (name, (base, quote)) in enumerate(PAIRS.items()):
            state, liquidity, fee = (words(one) for one in got[3 * i:3 * i + 3])
            first = int(at[base], 16) < int(at[quote], 16)
            found[name] = Pool(first, int(state[0], 16), signed(state[1], 24), int(liquidity[0], 16), int(fee[1], 16),
                               dict(self.ticks[name]))
        held = words(got[12])  # offsets of both lists, the last block, 2, two tokens, 2, two balances
        company = int(held[4], 16) == int(at["company"], 16)
        first, second = int(held[7], 16), int(held[8], 16)
        found["spot"] = Spot(*((first, second) if company else (second, first)), self.fee)
        price = up(int(got[14]["baseFeePerGas"], 16) * 9, 8) + TIP
        return found, Rules(up(price * GAS_UNITS * 10 ** 18, int(got[13], 16)))

    def bundle(self, sender, first, last):
        """The receipt of the sender's transaction with a swap in these blocks; None: not one."""
        logs = self.node.call("eth_getLogs", {"address": [*self.pools, self.at["balancerVault"]], "fromBlock": hex(first),
                                              "toBlock": hex(last), "topics": [[SWAP, SPOT_SWAP]]})
        for tx in dict.fromkeys(log["transactionHash"] for log in logs):
            sent = self.node.call("eth_getTransactionByHash", tx)
            if sent["from"].lower() == sender.lower():
                return self.node.call("eth_getTransactionReceipt", tx)
        return None

    def outputs(self, receipt, way):
        """What each leg took (a purchase) or gave (a sale), in sDAI of its kind, as in a model's flow."""
        found = dict.fromkeys(LEGS, 0)
        for log in receipt["logs"]:
            pool = self.pools.get(log["address"].lower())
            if log["topics"][0] == SPOT_SWAP:
                paid, got = (int(n, 16) for n in words(log["data"])[:2])
                found["spot"] = got if way == "buy" else paid
            elif log["topics"][0] == SWAP and pool:
                base, quote = PAIRS[pool]
                amounts = [signed(n) for n in words(log["data"])[:2]]
                moved = amounts[1 if int(self.at[base], 16) < int(self.at[quote], 16) else 0]
                found[pool if pool in LEGS else "liquidation"] = abs(moved)
        return tuple(found[leg] for leg in LEGS)
