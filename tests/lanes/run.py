#!/usr/bin/env python3
"""More than one lane, end to end: the quickstart's feed on one lane and on three gives the same events in the same order
by source; a run on lanes is recorded and replayed; a reload moves an instance to another lane; one that hangs takes
its own lane's time only. Prints TAP.

    run.py HAWSE PLUGINS [--replays 5]
"""
import argparse
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/record"))
sys.path.insert(0, str(ROOT / "tests/lib"))
from capture import chunks  # noqa: E402
from trials import free_port  # noqa: E402

SPEED = 25
VARYING = ("seq", "epoch", "backfilled", "from", "to", "count", "reason")  # depend on when the stream opened
done = {"count": 0, "failed": 0}


def check(name, good, detail=""):
    done["count"] += 1
    done["failed"] += not good
    for line in ("" if good else str(detail)).splitlines():
        print(f"# {line}")
    print(f"{'' if good else 'not '}ok {done['count']} - {name}", flush=True)


class Trial:
    def __init__(self, args, folder):
        self.hawse, self.plugins, self.folder = args.hawse, args.plugins, folder

    def config(self, name, port, lanes):
        """`lanes`: lane of each instance that is not on main."""
        url = f"127.0.0.1:{port}"
        config = json.loads((ROOT / "packaging/quickstart/quickstart.json").read_text())
        pools = config["instances"]["swapr"]["settings"]
        config = {
            "hawse": 1, "plugins": {"path": [str(self.plugins)], "isolation": "asked"}, "state_dir": str(self.folder / "state"),
            "control": {"socket": str(self.folder / f"{name}.sock")},
            "lanes": {lane: {} for lane in ("venue", "sink", "spare")} if lanes else {},
            "instances": {
                "gnosis": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"],
                           "endpoints": {"ws": f"ws://{url}", "http": f"http://{url}"}},
                "swapr": {"plugin": "org.hawse.swapr", "links": {"chain": "gnosis"}, "grants": ["rpc"], "settings": pools},
                "lines": {"plugin": "org.hawse.jsonl", "links": {"chain": "gnosis", "venue": "swapr"},
                          "settings": {"sources": ["chain", "venue"]}},
            },
        }
        for instance, lane in lanes.items():
            config["instances"][instance]["lane"] = lane
        return config

    def feed(self, port):
        feed = subprocess.Popen([self.hawse, "feed", ROOT / "packaging/quickstart/gnosis-sample.ndjson", "--listen",
                                 f"127.0.0.1:{port}", "--speed", str(SPEED)], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return feed
            time.sleep(0.05)
        raise RuntimeError("the feed did not start")

    def status(self, name):
        run = subprocess.run([self.hawse, "status", "--json", "--socket", self.folder / f"{name}.sock"],
                             capture_output=True, text=True, timeout=20)
        try:
            return json.loads(run.stdout)
        except ValueError:
            return {"lanes": [], "instances": [], "text": run.stdout + run.stderr}

    def run(self, name, lanes, seconds, during=None, change=None, more=()):
        """(exit code, events that `lines` wrote, log, the last status)"""
        port = free_port()
        config = self.config(name, port, lanes)
        if change:
            change(config)
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config))
        feed = self.feed(port)
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        try:
            with open(out, "w", encoding="utf-8") as o, open(err, "w", encoding="utf-8") as e:
                run = subprocess.Popen([self.hawse, "run", path, *more], stdout=o, stderr=e)
                begun = time.monotonic()
                if during:
                    during(run, path, config)
                time.sleep(max(0.1, seconds - (time.monotonic() - begun)))
                status = self.status(name)
                run.send_signal(signal.SIGTERM)
                code = run.wait(timeout=30)
        finally:
            feed.kill()
            feed.wait()
        return code, [json.loads(line) for line in out.read_text().splitlines()], err.read_text(), status


def holes(events):
    """Sequence numbers that do not follow the one before, by source and stream."""
    last, bad = {}, []
    for e in events:
        key = (e["src"], e["stream"])
        if e["seq"] != last.get(key, 0) + 1:
            bad.append(f"{key}: {e['seq']} after {last.get(key)}")
        last[key] = e["seq"]
    return bad


def between(events, source, low, high):
    return [{k: v for k, v in e.items() if k not in VARYING}
            for e in events if e["src"] == source and low <= e.get("block", -1) < high]


def check_same(one, three):
    blocks = [{e["block"] for e in run if e["t"] == "evm.block"} for run in (one, three)]
    low, high = max(min(b) for b in blocks) + 2, min(max(b) for b in blocks)
    counts = {}
    for source in ("chain", "venue"):
        a, b = between(one, source, low, high), between(three, source, low, high)
        counts[source] = len(a)
        check(f"three lanes tell the same of the {source} as one, in the same order", len(a) > 10 and a == b,
              f"{len(a)} and {len(b)} events of blocks {low} to {high - 1}")
    print(f"# compared: {counts} events of blocks {low} to {high - 1}")
    check("no number is missing or comes twice", not holes(one) and not holes(three), holes(one) + holes(three))


def check_lanes(trial, args):
    code1, one, log1, _ = trial.run("one", {}, 2)
    capture = trial.folder / "capture"
    code3, three, log3, status = trial.run("three", {"swapr": "venue", "lines": "sink"}, 2, more=["--record", capture])
    check("both end well", (code1, code3) == (0, 0), log1 + log3)
    crossed = {lane["name"]: lane["crossed"] for lane in status["lanes"]}
    check("status shows every lane, and that events crossed to those that read",
          crossed.get("main") == 0 and crossed.get("spare") == 0 and crossed.get("venue", 0) > 20
          and crossed.get("sink", 0) > 40, status)
    check_same(one, three)
    return capture


def check_replays(args, capture):
    hashes = set()
    for n in range(args.replays):
        run = subprocess.run([args.hawse, "replay", capture, "--json", "--lanes", str(n % 3 + 1)], capture_output=True, text=True, timeout=60)
        result = json.loads(run.stdout or "{}")
        hashes.add(result.get("hash") if run.returncode == 0 and result.get("hash") == result.get("recorded_hash")
                   else run.stdout + run.stderr)
    check(f"{args.replays} replays of a run on lanes, on one to three lanes, give the recorded hash", len(hashes) == 1 and len(hashes.pop()) == 64,
          hashes)
    lanes = {fields[2] for fields, _ in chunks(capture) if fields[1] == 1}
    check("each lane has recorded its own", len(lanes) == 3, lanes)
    diff = subprocess.run([args.hawse, "replay", "--diff", capture, capture], capture_output=True, text=True, timeout=60)
    check("--diff reads a capture of lanes", diff.returncode == 0, diff.stdout + diff.stderr)


def check_reload(trial):
    seen = []

    def reload(run, path, config):
        time.sleep(0.5)
        for lane in ("venue", "main", "spare"):
            config["instances"]["swapr"]["lane"] = lane
            path.write_text(json.dumps(config))
            run.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            seen.append({i["id"]: (i["state"], i["lane"]) for i in trial.status("reload")["instances"]})
        config["lanes"]["more"] = {}
        path.write_text(json.dumps(config))
        run.send_signal(signal.SIGHUP)

    code, events, log, status = trial.run("reload", {"lines": "sink"}, 2.5, during=reload)
    check("a reload moves an instance to another lane and back",
          [s.get("swapr") for s in seen] == [("running", lane) for lane in ("venue", "main", "spare")]
          and all(s.get("lines") == ("running", "sink") for s in seen) and code == 0, f"{seen}\n{log}")
    check("what stayed kept its stream, and those that were made anew read on",
          log.count("gnosis/ws    open:") == 1 and len({e["block"] for e in events if e["t"] == "evm.block"}) > 6, log)
    check("a reload that changes the lanes is refused",
          "reload rejected" in log and "lanes cannot change while hawse runs" in log, log)
    check("everything runs after it", all(i["state"] == "running" for i in status["instances"]), status)


def check_hang(trial):
    """One that never returns, on a lane of its own: the others do not even wait for it to be found out."""
    victim = trial.folder / "loop.so"
    subprocess.run(["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-DCASE=EVENTS_LOOP",
                    f"-I{ROOT}/sdk/include", str(ROOT / "sdk/include/hawse/check/broken.c"), "-o", str(victim)], check=True)

    def add(config):
        config["instances"]["victim"] = {"plugin": str(victim), "links": {"chain": "gnosis"}, "lane": "spare",
                                         "grants": ["net"], "budget": {"hang_ms": 800}}

    code, events, log, status = trial.run("hang", {"swapr": "venue", "lines": "sink"}, 2.5, change=add)
    states = {i["id"]: i["state"] for i in status["instances"]}
    check("an instance that hangs is given up, and its lane goes on",
          "has not returned for" in log and states == {"gnosis": "running", "swapr": "running", "lines": "running",
                                                       "victim": "failed"} and code == 0, f"{code} {states}\n{log}")
    check("others miss nothing", len(events) > 60 and not holes(events), holes(events))
    slowest = max(i["callback_ns"]["max"] for i in status["instances"] if i["id"] in ("gnosis", "swapr"))
    check("nor did they wait for it", slowest < 700_000_000, slowest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hawse", type=pathlib.Path)
    parser.add_argument("plugins", type=pathlib.Path)
    parser.add_argument("--replays", type=int, default=5)
    args = parser.parse_args()
    args.hawse, args.plugins = args.hawse.resolve(), args.plugins.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-lanes-"))
    try:
        trial = Trial(args, folder)
        check_replays(args, check_lanes(trial, args))
        check_reload(trial)
        check_hang(trial)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{done['count']}")
    return 1 if done["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
