#!/usr/bin/env python3
"""`hawse reload INSTANCE --plugin FILE` under a flood of events, in the host's process and in a worker: no event lost or
doubled, no pause that matters, and whatever fails is rolled back by itself. Each of them is in the journal. A thread beside
the host says how long the machine itself keeps a thread waiting: a pause may be longer by that, and the trial says so. Prints
TAP.

    run.py HAWSE [--failures N] [--swaps N] [--rate N] [--sanitized]

--sanitized: HAWSE is a build with ThreadSanitizer, which makes calls that no worker may: nothing runs in one, neither plugins nor
what compares with the recording.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import Results, until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAUSE_MS = 5
PASS = "swapped while it runs"
# what each build does wrong, in the order of the plugin's list, and what must be said of it
FAULTS = {
    "other_id": (1, r"expected a strategy with the id org\.test\.swap, found a strategy with org\.test\.other"),
    "other_abi": (2, r"2\.0"),
    "other_kind": (3, r"found a sink"),
    "wrong_key": (4, r"settings.*fail_save"),
    "no_state": (6, r"offers no hawse\.state/1"),
    "load_crashes": (7, r"crash|signal|SIGABRT|ended"),
    "restore_fails": (8, r"its restore: its restore fails"),
    "restore_slow": (9, r"its restore: .*(took \d+ us, allowed are 50000|has not returned in time)"),
    "restore_acts": (10, r"its restore: .*HAWSE_E_STATE|its restore: STATE"),
    "events_fail": (11, r"its first events: its first events fail"),
    "events_fail_late": (12, r"its first events: its first events fail late"),
    "events_too_many": (13, r"its first events: it was given \d+ events and claims"),
    "events_slow": (14, r"its first events: .*(took \d+ us|has not returned in time)"),
    "decides_otherwise": (15, r"decides otherwise in \d+ callbacks"),
}
ISOLATED = {
    "restore_crashes": (16, r"its restore: .*signal 6"),
    "restore_hangs": (17, r"its restore: .*has not returned in time"),
    "events_crash": (18, r"its first events: .*signal 6"),
    "events_hang": (19, r"its first events: .*has not returned in time"),
}


def build(folder):
    """Every build, each a file of its own."""
    todo = {f"good{n}": ["-DFAULT=0", f"-DBUILD={n}"] for n in (1, 2)}
    todo |= {name: [f"-DFAULT={n}", f"-DBUILD={n + 100}"] for name, (n, _) in {**FAULTS, **ISOLATED, "more_grants": (5, "")}.items()}
    for name, flags in todo.items():
        subprocess.run(["cc", "-std=gnu11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{ROOT / 'sdk/include'}",
                        *flags, "-o", folder / f"{name}.so", HERE / "plugin.c"], check=True)
    subprocess.run(["cc", "-std=gnu11", "-O1", "-o", folder / "noise", HERE / "noise.c"], check=True)


class Noise:
    """The thread beside the host: how late it was, and when."""
    def __init__(self, files):
        self.process = subprocess.Popen([files / "noise"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.late = []
        threading.Thread(target=lambda: self.late.extend(tuple(map(int, line.split())) for line in self.process.stdout),
                         daemon=True).start()

    def worst_ms(self, begin_ns, end_ns):
        return max((ns for at, ns in list(self.late) if begin_ns <= at and at - ns <= end_ns), default=0) / 1e6

    def end(self):
        self.process.stdin.close()
        self.process.wait(5)


class Host:
    def __init__(self, hawse, files, folder, isolation, rate, recorded):
        self.hawse, self.files, self.folder = hawse, files, folder
        folder.mkdir()
        self.make_key()
        self.socket = folder / "c.sock"

        def one(role, **more):
            return {"plugin": str(files / "good1.so"), "queue": 65536, "isolation": "none",
                    "settings": {"role": role, "rate": rate, "fail_save": 0}, **more}

        (folder / "hawse.json").write_text(json.dumps({
            "hawse": 1, "state_dir": "state",
            "plugins": {"trusted": [f"sha256:{hashlib.sha256((files / 'good1.so').read_bytes()).hexdigest()}"]}, "control": {"socket": "c.sock"}, "stop_deadline_ms": 3000,
            **({"record": {"file": "capture", "when_full": "wait"}} if recorded else {}),
            # with a key and a chain it has a journal; nothing is sent, and nobody answers there
            "keys": {"dir": "keys", "use": {"bot": {"unlock": f"file:{folder / 'pass'}"}}},
            "chains": {"local": {"chain_id": 31337, "block_ms": 60000, "providers": [
                {"name": "none", "http": "http://127.0.0.1:1"}]}},
            "instances": {"source": one("source"),
                          "subject": one("subject", isolation=isolation, links={"from": "source"},
                                         settings={"role": "subject", "rate": rate, "fail_save": 0}),
                          "faulty": one("reader", isolation=isolation, links={"from": "source"},
                                        settings={"role": "reader", "rate": rate, "fail_save": 1}),
                          "trusting": one("reader", isolation="default", links={"from": "source"}),
                          "reader": one("reader", links={"from": "subject"})}}))
        self.asked = []  # what is to be in the journal
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen([hawse, "run", folder / "hawse.json"], cwd=folder, stdout=self.log, stderr=self.log)

    def make_key(self):
        (self.folder / "pass").write_text(PASS + "\n")
        (self.folder / "pass").chmod(0o600)
        subprocess.run([self.hawse, "keys", "new", "bot", "--dir", self.folder / "keys", "--cost", "interactive",
                        "--passphrase-file", self.folder / "pass", "--testnet-only"], check=True, capture_output=True)

    def journal(self, *words):
        done = subprocess.run([self.hawse, "journal", *words, self.folder / "state/journal.db", "--json"],
                              capture_output=True, text=True)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")] or done.stderr

    def status(self):
        done = subprocess.run([self.hawse, "status", "--json", "--socket", self.socket], capture_output=True, text=True)
        try:
            return {i["id"]: i for i in json.loads(done.stdout)["instances"]}
        except ValueError:
            return {}

    def reload(self, name, *more, instance="subject"):
        done = subprocess.run([self.hawse, "reload", instance, "--plugin", self.files / f"{name}.so", "--socket", self.socket,
                               "--json", *more], capture_output=True, text=True, timeout=150)
        known = done.returncode != 2 and instance != "nobody"
        self.asked += [(instance, done.returncode == 0, "" if done.returncode == 0 else done.stderr)] if known else []
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def ask(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "not at all"

    def said(self):
        self.log.flush()
        return (self.folder / "log").read_text(errors="replace")


def journalled(r, host, isolation):
    """Every swap and every one that was rolled back, in their order, in the chain of the journal; the one that was under
    way when the host stopped may be the last."""
    code, rows = host.journal("query")
    notes = [row for row in rows if isinstance(row, dict) and row["kind"] == "note" and row["data"]["what"] == "reload"]
    wrong = []
    for (instance, good, said), note in zip(host.asked, notes):
        data = note["data"]["data"]
        if note["instance"] != instance or data["by_uid"] != os.getuid() or data["outcome"] != ("swapped" if good else "rolled back"):
            wrong.append((instance, good, said, note))
        elif len(data["before"]) != 64 or (good and len(data["digest"]) != 64) or (not good and data["reason"] not in said):
            wrong.append((instance, good, said, note))
    r.check(f"{isolation}: the journal has each of {len(host.asked)} reloads, by whom, and why it was rolled back",
            code == 0 and len(notes) - len(host.asked) in (0, 1) and not wrong,
            (code, len(notes), len(host.asked), wrong[:3], str(rows)[:500]))
    code, said = host.journal("verify")
    r.check(f"{isolation}: and its chain holds", code == 0, said)


def fail_all(r, host, faults, wanted, pauses):
    """Each failing step in turn, so many in all; now and then a good one between."""
    failed, wrong, names = 0, [], list(faults)
    while failed < wanted:
        name = names[failed % len(names)]
        before = host.status().get("subject", {})
        # the recording is replayed for the one that needs it: that takes as long as it has become
        more = [] if name == "decides_otherwise" else ["--allow-diff", "any"]
        code, said = host.reload(name, *more)
        after = host.status().get("subject", {})
        if code != 1 or not re.search(faults[name][1], str(said)) or "rolled back" not in str(said):
            wrong.append(f"{name}: {code} {said}")
        if after.get("state") != "running" or after.get("digest") != before.get("digest"):
            wrong.append(f"{name}: {before} -> {after}")
        failed += 1
        if failed % 10 == 0:
            pauses += swap(r, host, 1, failed // 10)
    r.check(f"{failed} failures in {min(len(names), wanted)} steps are rolled back, and said", not wrong, "\n".join(wrong))


def swap(r, host, count, first=0):
    pauses, wrong = [], []
    for n in range(first, first + count):
        name = f"good{2 - n % 2}"
        begin = time.monotonic_ns()
        code, said = host.reload(name, "--allow-diff", "any")
        if code != 0:
            wrong.append(str(said))
            continue
        pauses.append((said["pause_us"] / 1000, begin, time.monotonic_ns()))
        if host.status()["subject"]["digest"] != said["digest"]:
            wrong.append("status has another digest")
    if wrong or count > 1:
        r.check(f"{count} swaps, and status has the digest of each", not wrong, "\n".join(wrong))
    return pauses


def compared(r, host):
    code, said = host.reload("good2", "--allow-diff", "0", instance="subject")
    r.check("a build that decides the same passes the comparison with the recording",
            code == 0 and said["differing"] == 0, said)
    code, said = host.reload("decides_otherwise", "--allow-diff", "1000000")
    r.check("one that does not is let through where the operator says so", code == 0 and said["differing"] > 0, said)
    code, said = host.reload("good1", "--allow-diff", "any", "--limit", "500")
    r.check("and can be exchanged again", code == 0, said)

    # twice at once: the first waits for its comparison
    first = host.ask({"verb": "reload", "instance": "subject", "plugin": str(host.files / "good2.so"), "allow_diff": 1000000})
    second = host.ask({"verb": "reload", "instance": "subject", "plugin": str(host.files / "good1.so")})
    r.check("two at once: the second is refused", "number" in first and "is being swapped" in second.get("error", ""),
            (first, second))
    again = {"verb": "reload-next", "number": first.get("number")}
    done = until(lambda: (a := host.ask(again)).get("done") is not False and a, 60)
    r.check("... and the first goes through", bool(done) and done.get("done") is True, done)
    host.asked.append(("subject", True, ""))


def robust(r, host):
    code, said = host.reload("good2", "--allow-diff", "any", instance="nobody")
    r.check("an instance that there is not", code == 1 and 'no instance "nobody"' in said, said)
    code, said = host.reload("good2", "--allow-diff", "any", instance="faulty")
    r.check("the old plugin's save fails", code == 1 and "the old plugin's save: it cannot save now" in said, said)
    code, said = host.reload("good2", "--allow-diff", "any", instance="trusting")
    r.check("a file that is not trusted does not come into the host's process by a swap",
            code == 1 and "would run in the host's own process" in said, said)
    code, said = host.reload("more_grants", "--allow-diff", "any")
    r.check("a manifest that asks for more gets nothing more", code == 0 and until(lambda: "DENIED" in host.said(), 5)
            and "GRANTED" not in host.said(), said)
    code, said = host.reload("good1", "--allow-diff", "any")
    code, said = host.reload("../absent")
    r.check("a file that there is not", code == 2, said)
    for bad in ({}, {"instance": "subject"}, {"instance": "subject", "plugin": "relative.so"}, {"instance": 1, "plugin": 2},
                {"instance": "subject", "plugin": "/x", "limit_ms": -1}, {"instance": "subject", "plugin": "/x", "limit_ms": "1"}):
        answer = host.ask({"verb": "reload", **bad})
        r.check(f"refused: {bad}", "error" in answer, answer)
    r.check("no such number", "error" in host.ask({"verb": "reload-next", "number": 999999}))


def totals(r, host, isolation):
    """What was counted at each place, when all have stopped."""
    found = {m[1]: tuple(map(int, m.groups()[1:])) for m in
             re.finditer(r"(source|subject|reader|faulty|trusting) +TOTAL count (\d+) wrong (\d+) ticks (\d+)", host.said())}
    counts = {k: v[0] for k, v in found.items()}
    r.check(f"{isolation}: source, subject and readers have counted the same: {counts.get('source')}",
            len(found) == 5 and len(set(counts.values())) == 1 and counts["source"] > 10000, found)
    r.check(f"{isolation}: none was lost, doubled or out of order", all(v[1] == 0 for v in found.values()), found)
    r.check(f"{isolation}: the timers of the subject went on", abs(found["subject"][2] - found["reader"][2]) <= 3, found)
    r.check(f"{isolation}: a plugin that is destroyed has nothing of the host any more", "CANCELLED" not in host.said())
    return counts.get("source", 0)


def replays(r, host, isolation):
    capture = host.folder / "capture"

    def replay(*more):
        done = subprocess.run([host.hawse, "replay", capture, "--json", *more], capture_output=True, text=True, timeout=300)
        return json.loads(done.stdout) if done.stdout else {"said": done.stderr}

    for more in ([], ["--instance", "subject", "--isolation", "process"]):
        got = replay(*more)
        r.check(f"{isolation}: the capture with its swaps is replayed {' '.join(more)}",
                got.get("same") is True and got["hash"] == got["recorded_hash"], got)
    gone = host.files / "good2.so"
    gone.rename(host.files / "away")
    got = replay()
    r.check(f"{isolation}: a file that is missing is named", "--plugin subject=FILE" in got.get("said", ""), got)
    (host.files / "away").rename(gone)


def judge_pauses(r, host, noise, isolation, pauses):
    """Under the limit, each; or by no more above it than the machine kept another thread waiting in that moment."""
    rows = sorted((ms, noise.worst_ms(begin, end)) for ms, begin, end in pauses)
    median, (most, beside) = rows[len(rows) // 2][0], rows[-1]
    above = [(ms, late) for ms, late in rows if ms >= PAUSE_MS]
    worst = max(ns for _, ns in [*noise.late, (0, 0)]) / 1e6
    r.notes.append(f"{isolation}: {len(rows)} swaps, events waited for {median:.3f} ms (median), {most:.3f} ms (most, while the "
                   f"machine kept a thread beside it waiting for {beside:.3f} ms; {worst:.3f} ms at most in the whole run)")
    if above:
        r.notes.append(f"{isolation}: {len(above)} of them {PAUSE_MS} ms or more; pause and the machine's own: {above}")
    r.check(f"{isolation}: no pause is {PAUSE_MS} ms or longer, beyond what the machine itself kept a thread waiting",
            bool(rows) and all(ms < PAUSE_MS + late for ms, late in rows) and median < PAUSE_MS, rows)


def trial(args, r, files, folder, isolation, recorded=True):
    compares = recorded and not args.sanitized
    host = Host(args.hawse, files, folder / f"{isolation}-{recorded}", isolation, args.rate, recorded)
    noise = Noise(files)
    try:
        r.check(f"{isolation}: it runs", until(lambda: host.status().get("subject", {}).get("state") == "running", 10), host.said())
        begin = time.monotonic()
        capture = host.folder / "capture"
        r.check(f"{isolation}: something is recorded", not recorded or until(lambda: capture.exists() and capture.stat().st_size > 65536, 20))
        if compares:
            compared(r, host)
        robust(r, host)
        pauses = swap(r, host, args.swaps)
        faults = {**FAULTS, **ISOLATED} if isolation == "process" else dict(FAULTS)
        if not compares:
            del faults["decides_otherwise"]
        fail_all(r, host, faults, args.failures or len(faults), pauses)
        took = time.monotonic() - begin
        # the last: while it stops
        late = host.ask({"verb": "reload", "instance": "subject", "plugin": str(files / "good2.so")})
        code = host.end()
        r.check(f"{isolation}: a swap is under way when it stops: it stops as it should", code == 0 and "number" in late,
                (code, late, host.said()[-1500:]))
        total = totals(r, host, isolation)
        r.notes.append(f"{isolation}: {total} events in {took:.0f} s ({total / took:.0f}/s asked {args.rate})")
        judge_pauses(r, host, noise, isolation, pauses)
        journalled(r, host, isolation)
        if compares:
            replays(r, host, isolation)
    finally:
        noise.end()
        if host.process.poll() is None:
            host.process.kill()
            host.process.wait()
        if os.environ.get("KEEP"):
            print(host.said()[-9000:], *r.rows, sep="\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hawse", type=pathlib.Path)
    parser.add_argument("--failures", type=int, default=0)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--sanitized", action="store_true")
    args = parser.parse_args()
    args.isolation = ["none"] if args.sanitized else ["none", "process"]
    args.hawse = args.hawse.resolve()
    r = Results()
    with tempfile.TemporaryDirectory(prefix="hawse-swap-") as folder:
        files = pathlib.Path(folder) / "files"
        files.mkdir()
        build(files)
        for isolation in args.isolation:
            trial(args, r, files, pathlib.Path(folder), isolation)
        trial(args, r, files, pathlib.Path(folder), "none", recorded=False)
    return 1 if r.report() else 0


if __name__ == "__main__":
    sys.exit(main())
