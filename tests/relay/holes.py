#!/usr/bin/env python3
"""Hosts that share keys over a real Redis, of which some are killed with a nonce that others wait behind. Two have it
reserved, while the host that stays has a bundle to send, beside which nothing else may go: one by code that the account borrows
(EIP-7702), and one of a relay. A third has marked its number as sent, and its journal has nothing of it: nobody has the bytes,
until an operator gives the number up. Then two hosts use one account, and one of them has bundles. Prints TAP.

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
from troubles import BATCH, EXECUTOR, STEPS, hit  # noqa: E402
from weather import Redis  # noqa: E402

RESERVED, SENT = "r", "s"  # of the sets that Redis has of an account (core/tx/nonce_lua.h)
ACCOUNTS = {"bot": RESERVED, "second": RESERVED, "third": SENT}
TELLING_S = 6  # of an account that is new to Redis every host tells first what it has
HELD_S = 30  # so long a number stays reserved that nobody asks for any more, and a host counts as being there


class Gate:
    """Before Redis, for one host: silent as soon as the account has a number in the set. Of one that is reserved the host
    hears; that one is marked as sent it does not."""

    def __init__(self, redis, account, kind):
        self.hears = kind == RESERVED
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
                if self.shut.is_set() or (((one is host) == self.hears) and self.holds()):
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
        self.lost_at = time.monotonic()
        self.check(f"a host is killed with the next nonce of {account}", gate.shut.is_set() and not self.attempts("lost"),
                   (self.words("lost"), self.host.logs()[-1][-1500:]))
        self.at("stays")

    def filled(self, account):
        """Numbers that this host was to close as holes."""
        with journal(self.folder) as db:
            rows = db.execute("select id from intent where instance = 'hawse' and account = ? order by number", (account,)).fetchall()
        return [int(row[0].split("-")[1]) for row in rows]

    def nonces(self, name):
        return sorted({nonce for _, nonce, _ in self.attempts(name)})

    def reserved(self):
        self.mode("include")
        self.gates = gates = {name: Gate(self.redis, self.addresses[name], kind) for name, kind in ACCOUNTS.items()}
        for name, gate in gates.items():
            self.start_host(f"lost-{name}", gate.port)
        self.start_host("stays", self.redis.port)
        self.mine(round(TELLING_S / BLOCK_S))
        for i, (name, gate) in enumerate(gates.items()):
            self.lose(name, 1 + i, gate)
        self.send("borrowed", [{"to": TARGET, "data": hit(10 + i)} for i in range(3)], how="bundle")
        self.send_bundle("relayed", 20, 21, account="second")
        self.mine(20)
        waits = [self.words(name) for name in ("borrowed", "relayed")]
        self.check("a bundle waits while another host has a number of its account", not any("SENT" in words for words in waits)
                   and self.count(10) == self.count(20) == 0, waits)
        words = self.until("borrowed", "CONFIRMED", seconds=HELD_S + 60)
        self.check("one by borrowed code goes on when that is free, or filled", words[-1] == "CONFIRMED"
                   and [self.count(10 + i) for i in range(3)] == [1, 1, 1] and self.nonces("borrowed") == [len(self.filled("bot"))],
                   (words, self.nonces("borrowed"), self.filled("bot"), self.host.logs()[-1][-1500:]))
        words = self.until("relayed", "CONFIRMED", seconds=60)
        self.check("and so does one of a relay", words[-1] == "CONFIRMED" and self.count(20) == self.count(21) == 1
                   and len(self.nonces("relayed")) == 2, (words, self.attempts("relayed")))

    def given_up(self):
        """The number is marked as sent, and nobody has its bytes."""
        self.send("behind", [{"to": TARGET, "data": hit(30)}], account="third")
        self.until("behind", "SEEN")
        self.mine(20)
        words, log = self.words("behind"), self.host.logs()[-1]
        self.check("what nobody has the bytes of holds up all behind it, and the log says what to do", "SEEN" in words
                   and self.count(30) == 0 and self.nonces("behind") == [1]
                   and "If that host will not come back: hawse fill-nonce local third 0" in log, (words, log[-1500:]))
        while time.monotonic() < self.lost_at + HELD_S + 2:
            self.mine()
        wrong = self.command("fill-nonce", "local", "third", "first")
        nobody = self.command("fill-nonce", "local", "nobody", "0")
        self.command("fill-nonce", "local", "third", "1")
        done = self.command("fill-nonce", "local", "third", "0")
        words = self.until("behind", "CONFIRMED", seconds=30)
        self.check("... until an operator gives it up, and that alone", words[-1] == "CONFIRMED" and self.count(30) == 1
                   and done.returncode == 0 and wrong.returncode == 2 and nobody.returncode == 1 and "keys.use" in nobody.stderr
                   and self.filled("third") == [1, 0], (words, self.filled("third"), done, wrong, nobody))
        again = self.command("fill-nonce", "local", "third", "0")
        self.mine(6)
        with journal(self.folder) as db:
            ends = db.execute("select step from intent where instance = 'hawse' and account = 'third' order by number").fetchall()
        self.check("what is used, or another's that waits for it, is given up by nobody", again.returncode == 0
                   and [STEPS[e[0]] for e in ends] == ["REFUSED", "CONFIRMED", "REFUSED"], (again, ends))

    def back(self):
        """Those that died come back, and do what they were to do."""
        for i, account in enumerate(ACCOUNTS):
            self.at(f"lost-{account}")
            self.gates[account].open()
            self.host.start()
            words = self.until("lost", "CONFIRMED", seconds=40)
            self.check(f"what was lost with {account}'s nonce is done once, by another", words[-1] == "CONFIRMED"
                       and self.count(1 + i) == 1 and len(self.nonces("lost")) == 1, (words, self.attempts("lost")))
    def beside(self):
        """The authorization of a bundle by borrowed code takes the nonce behind its own: no other host may have that."""
        places = {"lost-third": [], "stays": []}
        for i in range(12):
            place = "stays" if i % 4 == 2 else "lost-third"
            calls = [{"to": TARGET, "data": hit(40 + 3 * i + k)} for k in range(3 if place == "stays" else 1)]
            self.at(place)
            self.send(f"beside{i}", calls, account="third", how="bundle" if place == "stays" else "each")
            places[place].append(i)
            self.mine()
        ends, used = {}, {}
        for place, numbers in places.items():
            self.at(place)
            for i in numbers:
                ends[i] = self.until(f"beside{i}", "CONFIRMED", seconds=30)[-1]
                used[i] = self.nonces(f"beside{i}")
        bundles = [used[i][0] for i in places["stays"] if used[i]]
        numbers = sorted(n for list_ in used.values() for n in list_)
        self.check("two hosts send beside each other, and none has the nonce of the other's authorization",
                   set(ends.values()) == {"CONFIRMED"} and len(bundles) == 3 and len(numbers) == len(set(numbers)) == 12
                   and not any(n + 1 in numbers for n in bundles), (ends, used))

    def once(self):
        self.mine(5)
        self.check("nothing was done twice", [self.count(n) for n in (1, 2, 3, 10, 11, 12, 20, 21, 30)] == [1] * 9)

    def main(self):
        self.base, self.hosts, self.redis = self.folder, {}, None
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.node.call("anvil_setCode", EXECUTOR, BATCH)
            self.addresses = {n: make_key(self.hawse, self.folder, n) for n in (*ACCOUNTS, "auth")}
            for name in ACCOUNTS:
                self.node.call("anvil_setBalance", self.addresses[name], hex(10 ** 21))
            self.mine(2)
            self.serve()
            self.redis = Redis(self.folder / "redis", random.Random(1), 0)
            self.reserved()
            self.given_up()
            self.back()
            self.beside()
            self.once()
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
