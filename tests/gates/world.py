"""What the trial of the gates acts on: contracts on a node whose blocks it makes, and calldata for them."""
import json
import pathlib
import subprocess
import threading

GWEI = 10 ** 9
COIN = "0x" + "0" * 40
THIEF = "0x00000000000000000000000000000000000bad01"
STRANGER = "0x00000000000000000000000000000000000bad02"
FRIEND = "0x000000000000000000000000000000000000f00d"
DEPLOYER = "0x00000000000000000000000000000000000d0001"


def word(n):
    return n.to_bytes(32, "big")


def is_dynamic(value):
    return isinstance(value, (bytes, list)) or (isinstance(value, tuple) and any(map(is_dynamic, value)))


def encode_all(values):
    """Head and tail of a tuple's items."""
    parts = [encode(v) for v in values]
    head = sum(32 if is_dynamic(v) else len(p) for v, p in zip(values, parts))
    heads, tails = b"", b""
    for value, part in zip(values, parts):
        if is_dynamic(value):
            heads += word(head + len(tails))
            tails += part
        else:
            heads += part
    return heads + tails


def encode(value):
    """Solidity's ABI: int, "0x..." (an address), bytes, [items], (fields)."""
    if isinstance(value, str):
        return bytes(12) + bytes.fromhex(value[2:])
    if isinstance(value, int):
        return word(value)
    if isinstance(value, bytes):
        return word(len(value)) + value + bytes(-len(value) % 32)
    if isinstance(value, list):
        return word(len(value)) + encode_all(value)
    return encode_all(value)


def rlp(data, at=0):
    """An item and where it ends (RLP)."""
    first = data[at]
    if first < 0x80:
        return data[at:at + 1], at + 1
    short, base = (first < 0xb8, 0x80) if first < 0xc0 else (first < 0xf8, 0xc0)
    if short:
        begin, size = at + 1, first - base
    else:
        begin = at + 1 + first - base - 55
        size = int.from_bytes(data[at + 1:begin], "big")
    if first < 0xc0:
        return data[begin:begin + size], begin + size
    items, here = [], begin
    while here < begin + size:
        value, here = rlp(data, here)
        items.append(value)
    return items, here


def decode(raw):
    """A transaction of type 2 or 4 (EIP-1559, EIP-7702)."""
    fields, _ = rlp(bytes(raw)[1:])
    chain_id, nonce, tip, fee, gas, to, value, data = fields[:8]
    numbers = {name: int.from_bytes(v, "big") for name, v in (("chain_id", chain_id), ("nonce", nonce), ("tip", tip),
                                                              ("max_fee", fee), ("gas", gas), ("value", value))}
    return {**numbers, "to": "0x" + to.hex(), "data": "0x" + data.hex()}


class World:
    """The contracts, and a miner that keeps the base fee where it is wanted."""

    def __init__(self, node, here):
        self.node, self.here = node, here
        self.fee, self.held, self.quit = 2 * GWEI, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.mine_on, daemon=True)

    # ---- blocks ----

    def mine(self, blocks=1):
        for _ in range(blocks):
            self.node.call("anvil_setNextBlockBaseFeePerGas", hex(self.fee))
            self.node.call("evm_mine")

    def mine_on(self):
        while not self.quit.wait(0.12):
            if not self.held.is_set():
                try:
                    self.mine()
                except (OSError, RuntimeError):
                    return

    def head(self):
        return int(self.node.call("eth_blockNumber"), 16)

    # ---- contracts ----

    def compile(self):
        self.compiler = subprocess.Popen(["node", str(self.here / "compile.mjs")], stdout=subprocess.PIPE, text=True)

    def deploy(self):
        self.contracts = json.loads(self.compiler.communicate(timeout=60)[0])
        self.functions = {}
        self.node.call("anvil_setBalance", DEPLOYER, hex(10 ** 21))
        self.node.call("anvil_impersonateAccount", DEPLOYER)
        for contract in self.contracts.values():
            self.functions.update({name.split("(")[0]: bytes.fromhex(s) for name, s in contract["functions"].items()})
        sent = {}
        for name, kind, code in (("gold", "Token", b""), ("silver", "Token", b""), ("pool", "Pool", encode(THIEF)),
                                 ("helper", "Pool", encode(THIEF)), ("router", "Multicall", b""),
                                 ("executor", "Executor", b"")):
            sent[name] = self.transact(None, bytes.fromhex(self.contracts[kind]["code"][2:]) + code)
        self.mine()
        for name, reference in sent.items():
            setattr(self, name, self.node.call("eth_getTransactionReceipt", reference)["contractAddress"])
        self.act(self.silver, "mint", self.pool, 10 ** 6)

    def transact(self, to, data, sender=DEPLOYER):
        return self.node.call("eth_sendTransaction", {"from": sender, "gas": hex(200000 if to else 3000000), "data": "0x" + data.hex(),
                                                      **({"to": to} if to else {})})

    def act(self, to, name, *arguments, sender=DEPLOYER):
        """As anybody, without the host."""
        self.node.call("anvil_impersonateAccount", sender)
        self.transact(to, self.bytes(name, *arguments), sender)

    def bytes(self, name, *arguments):
        return self.functions[name] + encode_all(arguments)

    def call(self, to, name, *arguments, value=0):
        """A call of an intent, as JSON."""
        return {"to": to, "value": str(value), "data": "0x" + self.bytes(name, *arguments).hex()}

    def raw(self, to, data="", value=0):
        return {"to": to, "value": str(value), "data": "0x" + data}

    def read(self, to, name, *arguments):
        return int(self.node.call("eth_call", {"to": to, "data": "0x" + self.bytes(name, *arguments).hex()}, "latest"), 16)

    def balance(self, address, token=None):
        return self.read(token, "balanceOf", address) if token else int(
            self.node.call("eth_getBalance", address, "latest"), 16)
