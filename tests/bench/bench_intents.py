#!/usr/bin/env python3
"""Intents a second, from the strategy's proposal to its confirmation: the whole host with all gates, simulation, signing
and the real journal, on a chain that answers at once and mines whenever it is asked for the newest block (stub_chain.c).
Prints the machine, the medians of the runs, how long an intent spends between its steps, and whose CPU time it is; ends
with 1 when a number was executed twice or not at all.

    bench_intents.py BUILD [--intents 3000] [--producers 6] [--keys 3] [--at-once 32] [--window 64] [--runs 3]
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "intents"))

from rig import CHAIN_ID, TARGET, Host, journal, make_key  # noqa: E402

CONFIRMED = 9
STEPS = {1: "proposed", 2: "gates passed", 4: "simulated", 5: "signed", 6: "sent", 7: "seen", 8: "in a block", 9: "confirmed", 16: "waits"}


def config(args, port, folder, names):
    share = args.intents // args.producers
    return {
        "hawse": 1, "control": {"socket": "control.sock"},
        "keys": {"dir": str(folder / "keys"), "use": {n: {"unlock": f"file:{folder / 'pass'}"} for n in names}},
        "chains": {"local": {
            "chain_id": CHAIN_ID, "block_ms": 300, "tx": {"confirmations": 1},
            "providers": [{"name": "stub", "http": f"http://127.0.0.1:{port}", "per_second": 0, "in_flight": args.in_flight}]}},
        "tx": {"window": args.window},
        "instances": {f"producer{i}": {
            "plugin": "org.example.intents", "mode": "live", "grants": ["intent"],
            "settings": {"chain": "local", "account": names[i * args.keys // args.producers], "target": TARGET,
                         "first": i * share, "count": share, "at_once": args.at_once},
            "limits": {"local": {"intents_per_day": 1000000, "open_intents": 1000, "assets": {},
                                 "counterparties": {TARGET: {"functions": ["hit(uint256)"]}}}},
        } for i in range(args.producers)}}


def threads(pid):
    """CPU seconds by thread's name."""
    found, tick = {}, os.sysconf("SC_CLK_TCK")
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name, rest = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        user, system = (int(n) for n in rest.split()[11:13])
        found[name] = found.get(name, 0) + (user + system) / tick
    return found


def times(folder):
    """Milliseconds between an intent's steps, medians; and from its proposal to its end."""
    gaps, whole = {}, []
    with journal(folder) as db:
        of = {}
        for intent, utc, step in db.execute("select intent, utc_ns, step from step order by seq"):
            of.setdefault(intent, []).append((utc, step))
        for intent, begun in db.execute("select number, utc_ns from intent"):
            before, name = begun, "proposed"
            for utc, step in of.get(intent, []):
                after = STEPS.get(step, str(step))
                gaps.setdefault(f"{name} -> {after}", []).append((utc - before) / 1e6)
                before, name = utc, after
            whole.append((before - begun) / 1e6)
    return {name: statistics.median(v) for name, v in gaps.items() if len(v) * 2 > len(whole)}, whole


def ended(folder):
    try:
        with journal(folder) as db:
            return db.execute("select coalesce(sum(step = ?), 0), coalesce(sum(ended), 0) from intent", (CONFIRMED,)).fetchone()
    except Exception:  # it is not there yet
        return 0, 0


def run(args, build):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-bench-", dir=args.dir))
    names, hawse = [f"key{i}" for i in range(args.keys)], build / "core/hawse"
    addresses = [make_key(hawse, folder, name) for name in names]
    stub = subprocess.Popen([build / "tests/bench/bench-stub-chain", str(args.intents // args.keys), *addresses],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    host = Host(hawse, build / "plugins", folder, config(args, int(stub.stdout.readline()), folder, names))
    try:
        host.start()
        begin = time.monotonic()
        while ended(folder)[1] < args.intents and time.monotonic() < begin + args.seconds and host.runs():
            time.sleep(0.05)
        cpu, (confirmed, all_ended) = threads(host.process.pid), ended(folder)
        gaps, whole = times(folder)
        with journal(folder) as db:
            first, last = db.execute("select min(utc_ns), max(utc_ns) from record where intent > 0").fetchone()
            records = db.execute("select count(*) from record").fetchone()[0]
        host.stop()
        requests, sends, twice, unknown = (int(n) for n in stub.communicate(timeout=10)[0].split())
        if confirmed < args.intents or twice or unknown:
            print(f"WRONG: {confirmed} of {args.intents} confirmed, {all_ended} ended, {twice} numbers sent twice, {unknown} unknown")
            with journal(folder) as db:
                for row in db.execute("select count(*), step, data from step where step in (3, 11, 12) group by step, data limit 5"):
                    print("  ", *row)
        return {"rate": args.intents / ((last - first) / 1e9), "gaps": gaps, "p50": statistics.median(whole),
                "p99": sorted(whole)[len(whole) * 99 // 100], "cpu": cpu, "records": records, "requests": requests,
                "sends": sends, "wrong": confirmed < args.intents or twice or unknown}
    finally:
        stub.kill()
        if host.runs():
            host.kill()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    for name, value in (("intents", 3000), ("producers", 6), ("keys", 3), ("at-once", 32), ("window", 64), ("runs", 3),
                        ("in-flight", 16), ("seconds", 120)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--dir", help="where the journal is; a disk, not memory")
    args = parser.parse_args()
    build = args.build.resolve()
    version = subprocess.run([build / "core/hawse", "version"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    print(f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.2f}; {version}")
    runs = [run(args, build) for _ in range(args.runs)]
    middle = sorted(runs, key=lambda r: r["rate"])[len(runs) // 2]
    print(f"intents a second{'':28} {middle['rate']:10.0f}   ({min(r['rate'] for r in runs):.0f} to {max(r['rate'] for r in runs):.0f})")
    print(f"proposal to confirmation, p50 / p99, ms{'':5} {middle['p50']:10.1f} / {middle['p99']:.1f}")
    for name, ms in middle["gaps"].items():
        print(f"  {name:42} {ms:10.1f} ms")
    n = args.intents
    print(f"requests to the chain, an intent{'':12} {middle['requests'] / n:10.1f}")
    print(f"records in the journal, an intent{'':11} {middle['records'] / n:10.1f}")
    for name, seconds in sorted(middle["cpu"].items(), key=lambda item: -item[1]):
        print(f"  CPU of thread {name:28} {seconds / n * 1e6:10.0f} us an intent")
    return 1 if any(r["wrong"] for r in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
