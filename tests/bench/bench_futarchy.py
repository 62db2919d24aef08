#!/usr/bin/env python3
"""From the log that opens an opportunity to the signed bundle, seen from outside: the whole host (plugins, desk, gates, journal,
nonce, signature) with futarchy-arb on a real node (anvil) with the market's real contracts, and a script with viem that
makes the same decision on the same node. Two processes between (between.c) note when messages pass: the clock begins when a
block's first log goes to the client, and ends when eth_sendRawTransaction has come from it.

    bench_futarchy.py BUILD [--rounds 60] [--dir FOLDER] [--only stub,worker,node,viem]

"stub": simulations are answered at once by what stands between; "worker": the same, with the strategy in a process of its
own, as is the default of those that sign; "node": by the node. Node's share: while the host, or the script, waited for an
answer to something it had asked; "to signed bytes": from the log, as it came off the socket, to the signature, by the host's own
clock, what simulated included. The host, or the script, has one core, the node and what stands between the other; as root
they go before all else that wants them. FOLDER is where keys and journal are: its fdatasync is printed.
Ends with 1 when nothing was sent.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tests/futarchy"))
sys.path.insert(0, str(root / "tests/lib"))

from arb import DECIDED, E18, ENDED, Bot, Node  # noqa: E402
from trials import end, until  # noqa: E402

ANVIL = root / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
RIG = f"node {root / 'tests/futarchy/rig.mjs'}"
OTHERS, SUBJECT = 0, 1  # cores
TRACE = bool(os.environ.get("BENCH_TRACE"))
SECRET = "0x" + "51" * 32  # of the script; worth nothing


def on_core(core, first=False):
    """What is started from now on has this one; `first`: before all else that wants it (as root)."""
    os.sched_setaffinity(0, {core})
    if first and os.geteuid() == 0:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    else:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Between:
    """A process that passes on and notes."""

    def __init__(self, build, node, *more):
        on_core(OTHERS, True)
        self.process = subprocess.Popen([str(build / "tests/bench/bench-between"), str(node.port), node.at["sdai"], *more],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        on_core(OTHERS)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def notes(self):
        """What it saw since the last time: (kind, nanoseconds, method)."""
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        found = []
        for line in self.process.stdout:
            if line == ".\n":
                return found
            kind, ns, method = line.split()
            found.append((kind, int(ns), method))
        return found


class FastBot(Bot):
    """Its events come through one, what the desk asks goes through another."""

    def __init__(self, hawse, plugins, node, folder, events, desk, isolation, **settings):
        self.events, self.desk, self.isolation = events, desk, isolation
        super().__init__(hawse, plugins, node, folder, **settings)

    def config(self, settings):
        config = super().config(settings)
        config["chains"]["gnosis"]["providers"] = [{"name": "anvil", "http": self.desk.url,
                                                    "ws": {"url": self.desk.url.replace("http", "ws")}, "per_second": 0}]
        config["chains"]["gnosis"]["tx"]["keep_view"] = True
        config["instances"]["arb"]["isolation"] = self.isolation
        config["instances"]["chain"]["endpoints"] = {"ws": {"url": self.events.url.replace("http", "ws")}, "http": self.events.url}
        return config

    def reactions(self):
        """By its own clock, of each bundle: ns from the event, as it came off the socket, to the signature."""
        with sqlite3.connect(f"file:{next(self.folder.rglob('journal.db'))}?mode=ro", uri=True) as journal:
            found = [json.loads(row[0]) for row in journal.execute("SELECT data FROM step WHERE data LIKE '%reaction_us%' ORDER BY seq")]
        return [step["figures"]["reaction_us"] * 1000 for step in found]


class Script:
    """The same by viem."""

    def __init__(self, node, between):
        self.node, self.between = node, between
        self.address = subprocess.run(["node", str(root / "tests/bench/futarchy_viem.mjs"), "address", SECRET],
                                      capture_output=True, text=True, check=True).stdout.strip()
        self.fund = lambda: Bot.fund(self)
        self.fund()

    def start(self):
        self.process = subprocess.Popen(["node", str(root / "tests/bench/futarchy_viem.mjs"), self.between.url, SECRET],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(self.node.at) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the script does not start")


def share(notes, begin, end_at, kinds):
    """Nanoseconds between both in which something asked was not answered yet."""
    up, down = kinds
    out, busy, last = 0, 0, begin
    for kind, ns, _ in sorted(notes, key=lambda n: n[1]):
        at = min(max(ns, begin), end_at)
        if busy > 0:
            out += at - last
        last = at
        busy += (kind in up) - (kind in down)
        busy = max(busy, 0)
    return out + (end_at - last if busy > 0 else 0)


def one(node, number, logs, sends):
    """A gap, and how long it took; None when nothing was sent."""
    logs.notes()
    sends.notes()
    company_in = number % 2 == 0
    node.spot(company_in, int((14 + number % 5) * (1 if company_in else 135) * E18))
    notes, seen = [], []

    def sent():
        notes.extend(sends.notes())
        if logs is not sends:
            seen.extend(logs.notes())
        return any(kind == "send" for kind, _, _ in notes)

    if not until(sent, 2, 0.02):
        return None
    events = seen if logs is not sends else notes
    first = min((ns for kind, ns, _ in events if kind == "log"), default=None)
    sends_at = [ns for kind, ns, _ in notes if kind == "send" and first and ns > first]
    if not sends_at:
        return None
    at = min(sends_at)
    if TRACE:
        print("  ".join(f"{k} {(ns - first) // 1000} {m}".replace(" -", "") for k, ns, m in sorted(notes + seen, key=lambda n: n[1])
                        if first <= ns <= at))
    simulating = share(notes, first, at, (("simulate",), ("simulated",)))
    asking = share(notes, first, at, (("simulate", "ask"), ("simulated", "told")))
    return at - first, simulating, asking - simulating


def fdatasync_us(folder):
    times, path = [], folder / "probe"
    with open(path, "wb", buffering=0) as f:
        for _ in range(50):
            f.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(f.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return sorted(times)[25] * 1e6


def tell(name, rows, reactions=()):
    if not rows:
        print(f"{name}: nothing was sent")
        return False
    def at(values, part):
        return sorted(values)[min(len(values) - 1, len(values) * part // 100)] / 1e3
    columns = [("all", [r[0] for r in rows]), ("node: simulation", [r[1] for r in rows]), ("node: all else", [r[2] for r in rows]),
               ("without the node", [r[0] - r[1] - r[2] for r in rows])]
    if reactions:
        columns.insert(0, ("to signed bytes", reactions))
    print(f"{name}, {len(rows)} bundles, us")
    for what, values in columns:
        print(f"    {what:20} p50 {at(values, 50):9.0f}  p90 {at(values, 90):9.0f}  p99 {at(values, 99):9.0f}")
    return True


def rounds(args, node, logs, sends, rests):
    """`rests` says whether what was sent before is over for whoever sent it."""
    rows = []
    for number in range(args.rounds + args.warm):
        until(lambda: node.call("evm_mine") and rests(), 5, 0.1)
        time.sleep(0.3)
        row = one(node, number, logs, sends)
        if row and number >= args.warm:
            rows.append(row)
    return rows


def at_rest(bot):
    text = "".join(bot.host.logs())
    return "tokens are known" in text and len(DECIDED.findall(text)) == len(ENDED.findall(text))


def of_host(args, node, folder, name):
    """Rows as seen from outside, and what the host itself says."""
    events, desk = Between(args.build, node), Between(args.build, node, *(["stub"] * (name != "node")))
    bot = FastBot(args.build / "core/hawse", args.build / "plugins", node, folder / name, events, desk,
                  "process" if name == "worker" else "none", sweep_min="1000000", amount="3000", max_bundle_amount="3000")
    on_core(SUBJECT, True)
    bot.host.start()
    on_core(OTHERS)
    try:
        rows = rounds(args, node, events, desk, lambda: at_rest(bot))
        return rows, bot.reactions()[-len(rows):]
    finally:
        bot.host.stop()
        end(events.process)
        end(desk.process)
        if args.logs:
            print("".join(bot.host.logs())[-3000:])


def of_script(args, node):
    between = Between(args.build, node)
    script = Script(node, between)
    on_core(SUBJECT, True)
    script.start()
    on_core(OTHERS)
    try:
        return rounds(args, node, between, between, lambda: True), []
    finally:
        end(script.process)
        end(between.process)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--warm", type=int, default=4, help="rounds that are not counted")
    parser.add_argument("--dir", help="where the journal is")
    parser.add_argument("--only", default="stub,worker,node,viem")
    parser.add_argument("--nice", type=int, default=0, help="of all processes; below 0 as root")
    parser.add_argument("--logs", action="store_true", help="what the host said at its end")
    args = parser.parse_args()
    args.build = args.build.resolve()
    os.nice(args.nice)
    on_core(OTHERS)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-bench-", dir=args.dir))
    version = subprocess.run([args.build / "core/hawse", "version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    anvil = subprocess.run([ANVIL, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    viem = json.loads((root / "tests/e2e/node_modules/viem/package.json").read_text())["version"]
    nodejs = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    print(f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.2f}; {version}; {anvil}; "
          f"viem {viem}, node {nodejs}; fdatasync of the journal's disk {fdatasync_us(folder):.0f} us")
    node, good = None, True
    try:
        node = Node(ANVIL, RIG, folder)
        node.arm_others()
        node.freeze_fees()
        names = {"stub": "hawse, simulation answered at once", "worker": "the same, the strategy in a worker",
                 "node": "hawse, simulated by the node", "viem": "a script with viem"}
        for name in args.only.split(","):
            good = tell(names[name], *(of_script(args, node) if name == "viem" else of_host(args, node, folder, name))) and good
    finally:
        end(node.process if node else None)
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
