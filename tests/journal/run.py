#!/usr/bin/env python3
"""The journal as operators and other programs meet it: `hawse journal` beside a process that writes and is killed,
and Python's own SQLite, which knows nothing of hawse but core/store/README.md: it computes the chain anew.

    run.py HAWSE WRITER
"""
import hashlib
import json
import os
import pathlib
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

HAWSE, WRITER = map(pathlib.Path, sys.argv[1:3])
checks = 0


def ok(name, good, detail=""):
    global checks
    checks += 1
    if not good:
        print("\n".join(f"# {line}" for line in str(detail).splitlines()[-12:]))
    print(f"{'ok' if good else 'not ok'} {checks} - {name}", flush=True)
    return good


def hawse(*args):
    return subprocess.run([HAWSE, "journal", *map(str, args)], capture_output=True, text=True, timeout=60)


def chain(path):
    """(records, head) by the words of the README alone; raises where the chain breaks."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    identity, = db.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()
    head, count = hashlib.sha256(b"hawse journal 1" + identity).digest(), 0
    rows = db.execute("SELECT seq, utc_ns, intent, kind, instance, data, bytes, hash FROM record ORDER BY seq")
    for seq, utc_ns, intent, kind, instance, data, raw, want in rows:
        state = hashlib.sha256(head + struct.pack(">QQQ", seq, utc_ns, intent))
        for field in (kind.encode(), instance.encode(), data.encode(), raw or b""):
            state.update(struct.pack(">Q", len(field)) + field)
        head, count = state.digest(), count + 1
        assert head == want and seq == count, f"record {seq}"
    db.close()
    return count, head


def killed(folder, rounds):
    """A writer that is killed at random moments; the command looks on meanwhile."""
    path, last, seen = folder / "journal.db", 0, []
    for turn in range(rounds):
        writer = subprocess.Popen([WRITER, path, "1000000", str(random.choice((1, 4)))],
                                  stdout=subprocess.PIPE, text=True)
        writer.stdout.readline()
        if turn == 0:
            seen.append(hawse("verify", folder))
            seen.append(hawse("backup", folder, folder / "while-writing.db"))
            seen.append(hawse("query", folder, "--step", "confirmed", "--since", "1h"))
            refused = subprocess.run([WRITER, path, "1"], capture_output=True, text=True, timeout=20)
            ok("a second writer is refused, and told who has the journal",
               refused.returncode == 1 and f"process {writer.pid} on" in refused.stderr, refused.stderr)
        time.sleep(random.random() * 0.05)
        writer.kill()
        lines = writer.stdout.read().split()
        writer.wait()
        last = max([last, *map(int, lines[:-1] or [0])])  # the last line may be cut
    ok("verify, backup and query work while a host writes", all(s.returncode == 0 for s in seen),
       "\n".join(s.stderr for s in seen))
    return path, last


def main():
    folder = pathlib.Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    try:
        trial(folder)
    finally:
        shutil.rmtree(folder)
    print(f"1..{checks}")


def trial(folder):
    path, last = killed(folder, 12)
    done = hawse("verify", path, "--json")
    verdict = json.loads(done.stdout)
    ok("after 12 times kill -9 the journal verifies", done.returncode == 0 and verdict["good"], done.stderr)
    count, head = chain(path)
    ok("Python's SQLite computes the same chain", verdict["head"] == f"{count}:{head.hex()}", verdict)
    db = sqlite3.connect(path)
    rows, ended, nonces, top = db.execute(
        "SELECT count(*), sum(ended), (SELECT count(DISTINCT nonce) FROM attempt), (SELECT max(nonce) FROM "
        "attempt) FROM intent").fetchone()
    db.close()
    ok(f"each of {rows} intents has ended, and its nonce is its own, without a gap",
       rows >= last and rows == ended == nonces == top + 1, f"{rows} {ended} {nonces} {top} {last}")
    copied = chain(folder / "while-writing.db")[0]
    ok("what was copied while a host wrote is whole", 0 < copied <= count, copied)
    shows(path, rows)
    restores(folder, path, verdict["head"])


def shows(path, rows):
    lines = [json.loads(line) for line in hawse("export", path).stdout.splitlines()]
    ok("export gives every record, with bodies, signed bytes and hashes",
       len(lines) == 6 * rows and all("hash" in line for line in lines)
       and lines[0]["body"] == {"calls": []}
       and any(line.get("raw", "").startswith("0x02f8") for line in lines), lines[:2])
    one = [json.loads(line) for line in hawse("query", path, "--intent", "3", "--json").stdout.splitlines()]
    ok("query finds the life of one intent, in order",
       [r.get("step", r["kind"]) for r in one] ==
       ["PROPOSED", "GATED", "attempt", "SENT", "count", "CONFIRMED"], one)
    text = hawse("query", path, "--step", "GATED", "--instance", "arb").stdout
    ok("text has a line for each", text.count("\n") == rows and '{"gates":11}' in text, text[:300])
    ok("nothing is found where nothing is",
       hawse("query", path, "--until", "2001-01-01").stdout == ""
       and hawse("query", path, "--instance", "none").stdout == "")
    bad = [("--since", "soon"), ("--step", "GONE"), ("--intent", "-1")]
    ok("what is malformed is refused, with the fix",
       all(hawse("query", path, *b).returncode == 2 for b in bad) and
       hawse("verify", path, "--head", "7:abc").returncode == 2 and hawse("query").returncode == 2)


def restores(folder, path, head):
    old = folder / "while-writing.db"
    refused = hawse("restore", old, path)
    ok("an older copy is not put over a newer journal", refused.returncode == 1 and "--force" in refused.stderr,
       refused.stderr)
    changed = folder / "changed.db"
    shutil.copy(path, changed)
    db = sqlite3.connect(changed)
    db.executescript("DROP TRIGGER record_stays; UPDATE record SET data = replace(data, 'GATED', 'gated'), "
                     "utc_ns = utc_ns + 1 WHERE seq = 9")
    db.close()
    done = hawse("verify", changed)
    ok("one changed record is found, and named", done.returncode == 1 and "record 9" in done.stderr, done.stderr)
    ok("a copy that does not verify is never put in place",
       hawse("restore", changed, path, "--force").returncode == 1 and hawse("verify", path).returncode == 0)
    ok("a head that was noted is found again", hawse("verify", path, "--head", head).returncode == 0)
    forced = hawse("restore", old, path, "--force")
    ok("--force puts it in place, and keeps what was there",
       forced.returncode == 0 and (folder / "journal.db.before-restore-1").exists(), forced.stderr)
    lost = hawse("verify", path, "--head", head)
    ok("the noted head tells that the end is gone", lost.returncode == 1 and "not in the chain" in lost.stderr,
       lost.stderr)
    again = subprocess.run([WRITER, path, "3"], capture_output=True, text=True, timeout=20)
    ok("the restored journal is written on, and verifies",
       again.returncode == 0 and hawse("verify", path).returncode == 0, again.stderr)
    shutil.copy(old, path)  # behind the back of `hawse journal`
    again = subprocess.run([WRITER, path, "3"], capture_output=True, text=True, timeout=20)
    ok("an older file that was simply copied over it is refused",
       again.returncode == 1 and "records that were in it are gone" in again.stderr, again.stderr)
    os.chmod(path, 0o644)
    ok("a journal that others can read is refused", "chmod 600" in hawse("verify", path).stderr)


main()
