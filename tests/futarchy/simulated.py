"""A futarchy market over hours and days, on a node whose clock the trial sets: what hour.py and week.py share.

The market follows a seeded walk of fair prices, and others bring each pool to its price: a concentrated one by a swap
that stops there, the spot pool by a join or an exit that leaves exactly the balances that are meant. What a pool is
after such a move does not depend on what was traded in it before, by whomever: the market's price is not ours to make.

Owns nothing. Must never trade for the account that is tried.
"""
import json
import math
import pathlib
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from arb import E18, POOLS, Bot, Node, word  # noqa: E402

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
FIRST_DAY = 1_900_000_800  # 2030-03-17 18:00:00 UTC, ahead of every clock that runs a trial
GAS_PRICE = 10 ** 9


def words(*values):
    return "".join(word(v) for v in values)


def numbers(values):
    return words(len(values), *values)


class Market:
    """Fair prices that walk. `vol` is of a day, in units of a price's logarithm."""

    def __init__(self, rng):
        self.random = rng
        self.yes, self.no, self.odds = math.log(150.0), math.log(120.0), 0.4

    def step(self, days, vol, jumps):
        """So much time passes; `jumps` of a day."""
        r, scale = self.random, vol * math.sqrt(days)
        both = r.gauss(0, scale)
        self.yes += both + r.gauss(0, scale / 3) + 0.02 * (math.log(150.0) - self.yes)
        self.no += both + r.gauss(0, scale / 3) + 0.02 * (math.log(120.0) - self.no)
        self.odds = min(0.85, max(0.15, self.odds + r.gauss(0, scale / 2)))
        if r.random() < jumps * days:
            self.yes += r.choice([-1, 1]) * r.uniform(0.03, 0.12)

    def prices(self, noise):
        """Of each pool: the fair one, and a part by which that pool is ahead or behind."""
        r = self.random
        fair = {"yes": math.exp(self.yes), "no": math.exp(self.no), "predYes": self.odds, "predNo": 1 - self.odds}
        spot = self.odds * fair["yes"] + (1 - self.odds) * fair["no"]
        found = {name: price * math.exp(r.gauss(0, noise / 4 if name.startswith("pred") else noise))
                 for name, price in fair.items()}
        return {**found, "spot": spot * math.exp(r.gauss(0, noise))}


class SimulatedNode(Node):
    """Blocks come when the trial says so, at the time and with the base fee that it says."""

    def __init__(self, program, rig, folder):
        super().__init__(program, rig, folder)
        self.time, self.depth = FIRST_DAY, None
        self.arm_others()
        for spender in ("positionManager", "balancerVault"):
            for token in ("sdai", "company"):
                self.approve(self.others, token, spender)

    def manual(self):
        """From here on blocks are the trial's."""
        self.call("evm_setAutomine", False)

    def block(self, seconds=5):
        self.time += seconds
        self.call("evm_setNextBlockTimestamp", hex(self.time))
        self.call("anvil_setNextBlockBaseFeePerGas", hex(GAS_PRICE))
        self.call("evm_mine")
        return self.head()

    # ---- others ----

    def push(self, pool, price, tip=2 * 10 ** 9):
        """Others trade in a concentrated pool until its price is there."""
        pair = [self.at[t] for t in POOLS[pool]]
        first = int(pair[0], 16) < int(pair[1], 16)
        root = int(math.sqrt(price if first else 1 / price) * 2 ** 96)
        now = int(self.call("eth_call", {"to": self.at["pools"][pool], "data": "0xe76c01e4"}, "latest")[2:66], 16)
        if now == root:
            return
        token_in, token_out = sorted(pair, key=lambda a: int(a, 16), reverse=root > now)
        amount = 10 ** 5 * E18
        self.send(self.others, self.at["swapRouter"],
                  "0xbc651188" + words(token_in, token_out, self.others, 2 ** 40, amount, 0, root), tip)

    def spot_balances(self):
        """Of the company token and of sDAI in the spot pool, and whether the company token is the first."""
        raw = self.call("eth_call", {"to": self.at["balancerVault"], "data": "0xf94d4668" + self.at["weightedPoolId"][2:]},
                        "latest")[2:]
        parts = [int(raw[i:i + 64], 16) for i in range(0, len(raw), 64)]
        tokens, held = parts[4:6], parts[7:9]
        first = tokens[0] == int(self.at["company"], 16)
        return (held if first else held[::-1]), first

    def liquidity(self, joins, first, amounts):
        amounts = amounts if first else amounts[::-1]
        tokens = [self.at["company"], self.at["sdai"]] if first else [self.at["sdai"], self.at["company"]]
        data = words(1 if joins else 2, 0x60, 0 if joins else 2 ** 255) + numbers(amounts)
        limits = [2 ** 128 - 1] * 2 if joins else [0, 0]
        body = words(0x80, 0xe0, 0x140, 0) + numbers(tokens) + numbers(limits) + word(len(data) // 2) + data
        self.send(self.others, self.at["balancerVault"], ("0xb95cac28" if joins else "0x8bdb3913") +
                  self.at["weightedPoolId"][2:] + words(self.others, self.others, 0x80) + body)

    def push_spot(self, price, depth):
        """The spot pool holds `depth` company tokens at a price of 100, and is at this price."""
        held, first = self.spot_balances()
        root = math.sqrt(price)
        wanted = [int(depth * 10 / root * 10 ** 9) * 10 ** 9, int(depth * 10 * root * 10 ** 9) * 10 ** 9]
        more = [max(0, w - h) for w, h in zip(wanted, held)]
        less = [max(0, h - w) for w, h in zip(wanted, held)]
        if any(more):
            self.liquidity(True, first, more)
        if any(less):
            self.liquidity(False, first, less)
        return wanted

    def receipts(self, account, first, last):
        """Of all that the account sent in these blocks, from the chain alone: (transaction, receipt)."""
        for number in range(first, last + 1):
            block = self.call("eth_getBlockByNumber", hex(number), True)
            for tx in block["transactions"]:
                if tx["from"].lower() == account.lower():
                    yield tx, self.call("eth_getTransactionReceipt", tx["hash"]), int(block["timestamp"], 16)


def spent(receipt, token, account):
    """What left the account, whatever came, by the receipt's Transfer logs."""
    me = account[2:].lower().rjust(64, "0")
    return sum(int(log["data"], 16) for log in receipt["logs"] if log["address"].lower() == token.lower()
               and log["topics"][0] == TRANSFER and log["topics"][1][2:] == me)


def moved(receipt, token, account):
    """What came to the account less what left it, by the receipt's Transfer logs."""
    me, total = account[2:].lower().rjust(64, "0"), 0
    for log in receipt["logs"]:
        if log["address"].lower() == token.lower() and log["topics"][0] == TRANSFER:
            total += int(log["data"], 16) * ((log["topics"][2][2:] == me) - (log["topics"][1][2:] == me))
    return total


class Line:
    """TCP between the host and the node, that can be cut."""

    def __init__(self, port):
        self.to, self.open, self.up = port, set(), True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to)) if self.up else None
            except OSError:
                return
            if not far:
                near.close()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    def copy(self, source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        self.drop(source)
        self.drop(sink)

    def drop(self, one):
        self.open.discard(one)
        try:
            one.shutdown(socket.SHUT_RDWR)  # a mere close would leave who reads from it waiting
        except OSError:
            pass
        one.close()

    def cut(self):
        self.up = False
        for one in list(self.open):
            self.drop(one)

    def close(self):
        self.cut()
        self.listener.close()


class Control:
    """Verbs over the control socket, without a process for each."""

    def __init__(self, path):
        self.path = str(path)

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.sendall(json.dumps(request).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = s.recv(65536)
                if not part:
                    break
                answer += part
        return json.loads(answer)

    def verb(self, instance, name):
        number = self.ask(verb="call", instance=instance, command=name, words=[], timeout_ms=5000)["call"]
        for _ in range(2000):
            answer = self.ask(**{"verb": "call-next", "call": number, "from": 0})
            if answer["done"]:
                return answer["json"]
            time.sleep(0.001)
        raise RuntimeError(f"{name}: no answer")


class SimulatedBot(Bot):
    """The strategy in a market whose time is not the clock's; recorded where `capture` is named."""

    def __init__(self, hawse, plugins, node, folder, mode="live", capture=None, keys=None, line=None, **settings):
        self.mode, self.capture, self.keys, self.line = mode, capture, keys, line
        super().__init__(hawse, plugins, node, folder, **settings)
        self.control = Control(folder / "control.sock")

    def make_key(self, hawse):
        if not self.keys:
            return super().make_key(hawse)
        (self.folder / "pass").write_text((self.keys.folder / "pass").read_text())
        (self.folder / "pass").chmod(0o600)
        subprocess.run(["cp", "-a", str(self.keys.folder / "keys"), str(self.folder)], check=True)
        return self.keys.address

    def config(self, settings):
        config = super().config(settings)
        if self.capture:
            config["record"] = {"file": str(self.capture), "when_full": "wait"}
        config["chains"]["gnosis"]["block_ms"] = 100
        config["instances"]["arb"]["mode"] = self.mode
        if self.line:  # through which the host alone sees the node
            config = json.loads(json.dumps(config).replace(self.node.url[7:], self.line.url[7:]))
        return config

    def monitor(self):
        return self.control.verb("arb", "monitor")
