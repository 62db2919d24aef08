#!/usr/bin/env python3
"""The hot path allocates and locks nothing: shown by counting. The host takes a small and a large flood of
logs; the calls that the larger one adds, divided by the messages it adds, must be zero but for what goes by
time. Prints TAP.   hotpath.py HAWSE PLUGIN_DIR"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SMALL, LARGE = 50_000, 350_000
LIMIT = 0.002  # calls a message: timers, final blocks and metrics go by time, not by message


def build(folder):
    cc = os.environ.get("CC", "cc")
    flags = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-w"]
    subprocess.run([cc, *flags, f"-I{ROOT}/sdk/include", str(HERE / "counter.c"), "-o",
                    str(folder / "counter.so")], check=True)
    subprocess.run([cc, "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-w", str(HERE / "count_calls.c"),
                    "-o", str(folder / "count_calls.so"), "-ldl"], check=True)


def flood(hawse, plugins, folder, messages):
    server = subprocess.Popen(["node", str(HERE / "flood.mjs"), "--serve", "--messages",
                               str(messages)], stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    metrics = 20000 + (os.getpid() + messages) % 20000
    url = f"127.0.0.1:{port}/"
    config = {
        "hawse": 1, "plugins": {"path": [str(plugins), str(folder)]},
        "state_dir": str(folder / "state"), "log": {"level": "warn"},
        "http": {"listen": f"127.0.0.1:{metrics}"},
        "instances": {
            "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"],
                      "endpoints": {"ws": f"ws://{url}", "http": f"http://{url}"},
                      "settings": {"check_logs": False}},
            "sink": {"plugin": "org.hawse.bench.counter", "links": {"chain": "chain"}}}}
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    counts = folder / "counts"
    process = subprocess.Popen([hawse, "run", str(path)],
                               env={**os.environ, "LD_PRELOAD": str(folder / "count_calls.so"),
                                    "COUNT_CALLS": str(counts)})
    try:
        time.sleep(4)  # both floods get the same time: what goes by time cancels out
        text = urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics").read().decode()
        seen = int(text.split('hawse_events_in_total{instance="sink"} ')[1].split()[0])
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
    finally:
        server.kill()
        if process.poll() is None:
            process.kill()
    logs = messages - -(-messages // 301)
    if seen < logs:
        raise SystemExit(f"not ok 1 - the flood arrives: {seen} of {logs} logs\n1..1")
    return [int(n) for n in counts.read_text().split()]


def main():
    hawse, plugins = sys.argv[1:3]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-hotpath-"))
    try:
        build(folder)
        small = flood(hawse, plugins, folder, SMALL)
        large = flood(hawse, plugins, folder, LARGE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    bad = 0
    for n, (what, a, b) in enumerate(zip(("allocations", "mutex locks"), small, large), 1):
        each = (b - a) / (LARGE - SMALL)
        good = each < LIMIT
        bad += not good
        print(f"# {what}: {a} with {SMALL} messages, {b} with {LARGE}: {each:.6f} a message")
        print(f"{'' if good else 'not '}ok {n} - a message costs no {what}")
    print("1..2")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
