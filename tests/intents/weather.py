"""What happens to intents from outside, all at once and by a seed: a chain that reorganises, forgets transactions, gives
their nonces to others, becomes dear and takes an account's coins; providers that break in every way, of which at least
one is good at any moment; a Redis server that is paused, killed and started again, with its file or without.
"""
import shutil
import subprocess
import threading
import time

from rig import BLOCK_S, end, free_port

GWEI = 10 ** 9
COINS = 10 ** 21
BREAKS = ("refused", "reset", "hang", "429", "500", "garbage", "html", "half", "slow", "deaf", "swallow", "stale")


class Chain(threading.Thread):
    """A block every so often, and troubles in between: as many of each sort as `wanted` says, spread over the run."""

    EVERY = {"reorgs": 4, "drops": 2, "foreign": 7, "spikes": 23, "empties": 17}  # blocks between two, at least

    def __init__(self, node, rng, addresses, depth, wanted):
        super().__init__(daemon=True)
        self.node, self.rng, self.addresses, self.depth = node, rng, list(addresses), depth
        self.wanted, self.done = wanted, {sort: 0 for sort in self.EVERY}
        self.last = {sort: 0 for sort in self.EVERY}
        self.every = {**self.EVERY, "reorgs": max(self.EVERY["reorgs"], 2 * depth)}
        self.quit, self.calm, self.errors, self.foreign = threading.Event(), threading.Event(), [], set()
        self.dear, self.poor, self.blocks, self.deepest = 0, {}, 0, 0  # poor: address to the block until which

    # ---- troubles ----

    def reorgs(self):
        if self.node.call("eth_getBlockByNumber", "latest", False)["transactions"]:
            depth = self.rng.randint(1, self.depth)
            self.node.call("anvil_reorg", depth, [])
            self.deepest = max(self.deepest, depth)
            return True
        return False

    def pending(self):
        return [tx for sender in self.node.call("txpool_content")["pending"].values() for tx in sender.values()]

    def drops(self):
        pool = self.pending()
        if pool:
            self.node.call("anvil_dropTransaction", self.rng.choice(pool)["hash"])
        return bool(pool)

    def foreign_one(self):
        """Somebody else has the key, too: a transaction leaves the pool and another one has its nonce. It is the next
        one, because anvil would try the dearer one first, and lose it where others come before it."""
        pool = self.pending()
        if not pool:
            return False
        sender = self.rng.choice(pool)["from"]
        tx = min((tx for tx in pool if tx["from"] == sender), key=lambda tx: int(tx["nonce"], 16))
        self.node.call("anvil_dropTransaction", tx["hash"])
        self.node.call("anvil_impersonateAccount", tx["from"])
        try:
            self.foreign.add(self.node.call(
                "eth_sendTransaction", {"from": tx["from"], "to": tx["from"], "value": "0x1", "nonce": tx["nonce"],
                                        "gas": "0x5208", "maxFeePerGas": hex(90 * GWEI),
                                        "maxPriorityFeePerGas": hex(30 * GWEI)}))
        except RuntimeError:  # the host was faster
            return False
        finally:
            self.node.call("anvil_stopImpersonatingAccount", tx["from"])
        return True

    def spikes(self):
        self.dear = 10
        return True

    def empties(self):
        address = self.rng.choice(self.addresses)
        self.node.call("anvil_setBalance", address, "0x0")
        self.poor[address] = self.blocks + 10
        return True

    def restore(self):
        """What was set by hand may be lost by a reorganisation."""
        for address in self.addresses:
            if self.poor.get(address, 0) > self.blocks:
                self.node.call("anvil_setBalance", address, "0x0")
            elif int(self.node.call("eth_getBalance", address, "latest"), 16) < COINS // 2:
                self.node.call("anvil_setBalance", address, hex(COINS))

    def trouble(self):
        sorts = {"reorgs": self.reorgs, "drops": self.drops, "foreign": self.foreign_one, "spikes": self.spikes,
                 "empties": self.empties}
        for sort, do in sorts.items():
            if self.done[sort] < self.wanted.get(sort, 0) and self.blocks >= self.last[sort] + self.every[sort] and do():
                self.done[sort] += 1
                self.last[sort] = self.blocks
        if self.wanted.get("empties"):
            self.restore()
        if self.dear > 0:
            self.dear -= 1
            self.node.call("anvil_setNextBlockBaseFeePerGas", hex((300 if self.dear else 1) * GWEI))

    def run(self):
        while not self.quit.wait(BLOCK_S):
            try:
                if not self.calm.is_set():
                    self.trouble()
                else:
                    self.poor, self.dear = {}, 0
                    self.restore()
                self.node.call("evm_mine")
            except (OSError, RuntimeError, ValueError) as e:
                self.errors.append(f"{type(e).__name__}: {e}")
            self.blocks += 1

    def missed(self):
        """Troubles that were wanted and did not come."""
        return {sort: (n, self.done[sort]) for sort, n in self.wanted.items() if self.done[sort] == 0 < n}


class Providers(threading.Thread):
    """Providers before a node; while they are troubled at least one is good, and which one changes."""

    def __init__(self, program, node, count, rng):
        super().__init__(daemon=True)
        self.node, self.count, self.rng, self.quit = node, count, rng, threading.Event()
        self.process = subprocess.Popen([str(program), str(node.port), str(count)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.ports = [int(self.process.stdout.readline()) for _ in range(count)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.good, self.changes, self.seen, self.errors = 0, 0, {}, []

    def set(self, index, mode):
        head = ""
        if mode == "stale":
            head = max(1, int(self.node.call("eth_blockNumber"), 16) - self.rng.randint(4, 40))
        self.process.stdin.write(f"{index} {mode} {head}\n")
        self.process.stdin.flush()
        self.seen[mode] = self.seen.get(mode, 0) + 1

    def break_others(self):
        index = self.rng.randrange(self.count)
        if index != self.good:
            self.set(index, self.rng.choice(BREAKS) if self.rng.random() < 0.7 else "good")

    def run(self):
        changed = time.monotonic()
        while not self.quit.wait(0.2 + self.rng.random() * 0.5):
            try:
                self.break_others()
                if time.monotonic() > changed + 3:
                    before, self.good = self.good, self.rng.randrange(self.count)
                    self.set(self.good, "good")
                    if self.quit.wait(1):  # both are good while everybody finds out
                        break
                    if before != self.good:
                        self.set(before, self.rng.choice(BREAKS))
                        self.changes += 1
                    changed = time.monotonic()
            except (OSError, RuntimeError) as e:
                self.errors.append(f"{type(e).__name__}: {e}")
        for index in range(self.count):
            self.set(index, "good")

    def calm(self):
        self.quit.set()
        self.join()

    def end(self):
        self.quit.set()
        end(self.process)


class Redis(threading.Thread):
    """A redis-server that has `troubles`: paused, killed, started again with what it had written, or with nothing."""

    SORTS = ("paused", "killed", "emptied")

    def __init__(self, folder, rng, troubles):
        super().__init__(daemon=True)
        self.folder, self.rng, self.troubles = folder, rng, troubles
        self.port, self.quit, self.done = free_port(), threading.Event(), {sort: 0 for sort in self.SORTS}
        self.pauses = (1, 5)  # seconds between two
        folder.mkdir()
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
             "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL)

    def paused(self):
        self.process.send_signal(19)
        time.sleep(self.rng.choice((0.03, 0.1, 0.5, 2)) * (0.5 + self.rng.random()))
        self.process.send_signal(18)

    def killed(self, empty=False):
        self.process.kill()
        self.process.wait()
        time.sleep(self.rng.random())
        if empty:
            shutil.rmtree(self.folder)
            self.folder.mkdir()
        self.begin()

    def emptied(self):
        self.killed(empty=True)

    def run(self):
        while sum(self.done.values()) < self.troubles:
            if self.quit.wait(self.rng.uniform(*self.pauses)):
                return
            # each sort once, then by the seed
            sort = next((s for s in self.SORTS if self.done[s] == 0), None) or self.rng.choice(self.SORTS)
            getattr(self, sort)()
            self.done[sort] += 1

    def calm(self):
        self.quit.set()
        self.join()

    def end(self):
        self.quit.set()
        end(self.process)
