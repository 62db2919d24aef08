#!/usr/bin/env python3
"""Hosts that share keys over a real Redis, of which some are killed with a nonce that others wait behind, while the host that
stays has a bundle under way: one by code that the account borrows (EIP-7702), which is out behind the hole and beside which
nothing else may go, and one of a relay, which has to be the next of the chain. Prints TAP.

    holes.py HAWSE PLUGIN_DIR ANVIL
"""
import pathlib
import random
import select
import shutil
import socket
import sys
import threading
import time

from run import Relays  # first: a room beside this one, where the others are, has a run.py too
from rig import BLOCK_S, CHAIN_ID, COUNTER, TARGET, Host, end, journal, make_key, report  # noqa: E402
from troubles import BATCH, EXECUTOR, hit  # noqa: E402
from weather import Redis  # noqa: E402

RESERVED = "r"  # of the sets that Redis has of an account (core/tx/nonce_lua.h)
TELLING_S = 6  # of an account that is new to Redis every host tells first what it has
HELD_S = 30  # so long a number stays reserved that nobody asks for any more


class Gate:
    """Before Redis, for one host: silent as soon as the account has a number in the set and this host says more."""

    def __init__(self, redis, account, kind):
        self.redis, self.key = redis, f"{{hawse:{CHAIN_ID}:{account.lower()}}}:{kind}"
        self.shut, self.kept = threading.Event(), []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def open(self):
        """For a host that comes back."""
        self.key = None
        self.shut.clear()

    def holds(self):
        if not self.key:
            return False
        with socket.create_connection(("127.0.0.1", self.redis.port), 5) as s:
            s.sendall(f"ZCARD {self.key}\r\n".encode())
            return int(s.recv(64)[1:]) > 0

    def run(self):
        while True:
            host = self.server.accept()[0]
            threading.Thread(target=self.carry, args=(host,), daemon=True).start()

    def carry(self, host):
        server = socket.create_connection(("127.0.0.1", self.redis.port), 5)
        self.kept += [host, server]
        while True:
            for one in select.select([host, server], [], [])[0]:
                data = one.recv(65536)
                if self.shut.is_set() or (one is host and self.holds()):
                    self.shut.set()
                    return  # both stay open
                if not data:
                    host.close()
                    server.close()
                    return
                (server if one is host else host).sendall(data)


class Holes(Relays):
    def start_host(self, name, port):
        self.folder, folder = self.base, self.base / name
        self.way = {"relay_auth": "auth", "relay_form": "flashbots", "relay_blocks": 25, "relay_rounds": 20}
        config = self.config()
        config["keys"]["dir"] = str(self.base / "keys")
        config["nonces"] = {"redis": {"address": "127.0.0.1", "port": port, "budget_ms": 1000}}
        config["tx"]["restart_s"] = 600
        folder.mkdir(mode=0o700)
        host = Host(self.hawse, self.plugins, folder, config)
        host.start()
        self.hosts[name] = host

    def at(self, name):
        """From here on the methods of other trials speak of this host."""
        self.host, self.folder = self.hosts[name], self.base / name

    def lose(self, account, number, gate):
        """A call that its host is killed over."""
        self.at(f"lost-{account}")
        self.send("lost", [{"to": TARGET, "data": hit(number)}], account=account)
        stop = time.monotonic() + 30
        while not gate.shut.is_set() and time.monotonic() < stop:
            self.mine()
        self.host.kill()
        self.check(f"a host is killed with the next nonce of {account}", gate.shut.is_set() and not self.attempts("lost"),
                   (self.words("lost"), self.host.logs()[-1][-1500:]))
        self.at("stays")

    def filled(self):
        """Numbers that this host closed as holes."""
        with journal(self.folder) as db:
            return [int(row[0].split("-")[1]) for row in db.execute("select id from intent where instance = 'hawse'")]

    def nonces(self, name):
        return sorted({nonce for _, nonce, _ in self.attempts(name)})

    def reserved(self):
        self.mode("include")
        accounts = ("bot", "second")
        self.gates = gates = {name: Gate(self.redis, self.addresses[name], RESERVED) for name in accounts}
        for name, gate in gates.items():
            self.start_host(f"lost-{name}", gate.port)
        self.start_host("stays", self.redis.port)
        self.mine(round(TELLING_S / BLOCK_S))
        for i, (name, gate) in enumerate(gates.items()):
            self.lose(name, 1 + i, gate)
        self.send("borrowed", [{"to": TARGET, "data": hit(10 + i)} for i in range(3)], how="bundle")
        self.send_bundle("relayed", 20, 21, account="second")
        self.until("borrowed", "SENT")
        waits = self.words("borrowed")
        self.check("a bundle is out behind the nonce of the host that died", "SENT" in waits and self.nonces("borrowed") == [1]
                   and self.count(10) == 0, (waits, self.attempts("borrowed")))
        words = self.until("borrowed", "CONFIRMED", seconds=HELD_S + 60)
        self.check("the hole is filled beside the bundle that waits for it, and the bundle goes on", words[-1] == "CONFIRMED"
                   and [self.count(10 + i) for i in range(3)] == [1, 1, 1] and self.filled() == [0],
                   (words, self.filled(), self.host.logs()[-1][-1500:]))
        words = self.until("relayed", "CONFIRMED", seconds=60)
        self.check("a bundle of a relay waits for the number and takes it", words[-1] == "CONFIRMED"
                   and self.count(20) == self.count(21) == 1 and self.nonces("relayed") == [0, 1], (words, self.attempts("relayed")))

    def back(self):
        """Those that died come back, and do what they were to do."""
        for i, account in enumerate(("bot", "second")):
            self.at(f"lost-{account}")
            self.gates[account].open()
            self.host.start()
            words = self.until("lost", "CONFIRMED", seconds=40)
            self.check(f"what was lost with {account}'s nonce is done once, by another", words[-1] == "CONFIRMED"
                       and self.count(1 + i) == 1 and len(self.nonces("lost")) == 1, (words, self.attempts("lost")))
        self.mine(5)
        self.check("nothing was done twice", [self.count(n) for n in (1, 2, 10, 11, 12, 20, 21)] == [1] * 7)

    def main(self):
        self.base, self.hosts, self.redis = self.folder, {}, None
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.node.call("anvil_setCode", EXECUTOR, BATCH)
            self.addresses = {n: make_key(self.hawse, self.folder, n) for n in ("bot", "second", "auth")}
            for name in ("bot", "second"):
                self.node.call("anvil_setBalance", self.addresses[name], hex(10 ** 21))
            self.mine(2)
            self.serve()
            self.redis = Redis(self.folder / "redis", random.Random(1), 0)
            self.reserved()
            self.back()
            codes = {name: host.stop() for name, host in self.hosts.items()}
            self.check("hosts stop cleanly", set(codes.values()) == {0}, codes)
        finally:
            for host in self.hosts.values():
                end(host.process)
            if self.redis:
                self.redis.end()
            end(self.relay)
            self.node.stop()
        failed = report(self.results)
        shutil.rmtree(self.base, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Holes(*(pathlib.Path(p).resolve() for p in sys.argv[1:4])).main())
