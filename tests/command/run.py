#!/usr/bin/env python3
"""`hawse call` against a plugin with verbs of every sort: in the host's process, in a worker, alone, replayed.
Prints TAP.

    run.py HAWSE
"""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import Results, until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INVAL, STALE, EXISTS, LIMIT, FORMAT = -1, -5, -8, -10, -11
SERVICES = {"command": "35,36,37"}


class Host:
    def __init__(self, hawse, folder, isolation):
        self.hawse, self.folder = hawse, folder / isolation
        self.folder.mkdir()
        self.socket = self.folder / "c.sock"
        self.config = self.folder / "hawse.json"
        self.config.write_text(json.dumps({
            "hawse": 1, "state_dir": "state", "plugins": {"path": [str(folder)]},
            "control": {"socket": "c.sock"}, "record": {"file": "capture"},
            "instances": {"verbs": {"plugin": "org.test.verbs", "isolation": isolation},
                          "other": {"plugin": "org.test.verbs", "isolation": isolation}}}))
        self.log = open(self.folder / "log", "w+")
        self.process = subprocess.Popen([hawse, "run", self.config], cwd=self.folder, stdout=self.log, stderr=self.log)

    def ready(self):
        return until(lambda: self.status().returncode == 0, 10)

    def status(self):
        return subprocess.run([self.hawse, "status", "--socket", self.socket], capture_output=True, text=True, timeout=10)

    def call(self, *words, where=None):
        where = where or ["--socket", self.socket]
        return subprocess.run([self.hawse, "call", *where, *words], cwd=self.folder, capture_output=True, text=True, timeout=30)

    def result(self, *words, where=None):
        done = self.call("--json", *words, where=where)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def ask(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def said(self):
        self.log.flush()
        return (self.folder / "log").read_text()


def check_arguments(r, host):
    full = {"what": "hello", "times": 1, "loud": False}
    for words, wanted in {
        "hello": full,
        "what=bye": {**full, "what": "bye"},
        "--what bye --times=3": {**full, "what": "bye", "times": 3},
        "hello 2 7 --loud": {**full, "times": 2, "amount": "7", "loud": True},
        "hello 2 7 a b --words=c -- --d": {**full, "times": 2, "amount": "7", "words": ["a", "b", "c", "--d"]},
        "amount=115792089237316195423570985008687907853269984665640564039457584007913129639935 hello":
            {**full, "amount": str(2**256 - 1)},
    }.items():
        code, got = host.result("verbs", "say", *words.split())
        r.check(f"say {words}"[:70], code == 0 and got == wanted, (code, got))
    for words, wanted in {
        "": r"arguments\.what", "hullo": r"hullo", "hello 12": r"times.*12", "hello x": r"times: found \"x\"",
        "hello --lodu": r"did you mean --loud", "hello hello=1 --times": r"", "hello what=bye": r"what is given twice",
        "hello --amount=-1": r"amount", "hello --loud=7": r"loud: found \"7\"", "--what": r"--what needs a value",
    }.items():
        done = host.call("verbs", "say", *words.split())
        r.check(f"say {words}: refused, with the fix", done.returncode == 2 and not done.stdout and "fix: " in done.stderr
                and re.search(wanted, done.stderr), done.stderr)


def check_answers(r, host):
    done = host.call("verbs", "say", "hello")
    r.check("what is printed comes in order, the last words last", done.stdout == "one\ntwo\nsaid\n" and not done.stderr, done)
    done = host.call("verbs", "say", "hello", "--json")
    r.check("with --json the output is JSON alone", json.loads(done.stdout) and done.stderr == "one\ntwo\nsaid\n", done)
    begin = time.monotonic()
    code, got = host.result("verbs", "later")
    r.check("a verb answers later, with a status of its own", (code, got) == (1, {"gone": 0}) and time.monotonic() - begin < 2, (code, got))
    done = host.call("verbs", "never", "--timeout", "0.2")
    r.check("a verb that does not answer: not known, exit code 64", done.returncode == 64 and
            re.search(r"whether it was done is not known", done.stderr), done)
    code, got = host.result("verbs", "later")
    r.check("... and the plugin is told that nobody waits", got == {"gone": 1}, got)
    code, got = host.result("verbs", "wrong")
    r.check("what may not be done is refused, each with its code", (code, got) == (
        5, [EXISTS, INVAL, INVAL, FORMAT, FORMAT, INVAL, STALE, INVAL, FORMAT]), (code, got))
    done = host.call("verbs", "wrong")
    r.check("what a plugin says steers no terminal", "?[31mred?[0m?" in done.stdout and "\x1b" not in done.stdout, repr(done.stdout))
    done = host.call("--json", "verbs", "long")
    text = done.stderr
    prints, code = json.loads(done.stdout)
    r.check("a megabyte is printed whole, in pieces, and no more", (prints, code) == (16, LIMIT) and
            len(text.encode()) == 16 * 65536 and set(text) == {"€", "\n"}, (prints, code, len(text)))


def check_wrong_calls(r, host):
    for words, wanted in {"verbs nothing": r"has no verb \"nothing\"", "nobody say": r"no instance \"nobody\"",
                          "verbs say hello --timeout": r"needs a value", "--live verbs": r"--live says how --config runs"}.items():
        done = host.call(*words.split())
        r.check(f"call {words}: exit code 2", done.returncode == 2 and re.search(wanted, done.stderr), done.stderr)
    done = host.call("verbs", "say", "hello", where=["--socket", "nowhere"])
    r.check("nobody listens: exit code 1, nothing was begun", done.returncode == 1, done)
    done = host.call()
    r.check("without a verb all are listed, with their arguments", re.search(
        r"say HELLO|say hello\|bye \[TIMES\] \[AMOUNT\] \[--loud\] \[WORDS\.\.\.\]", done.stdout) and done.stdout.count("say") == 2, done.stdout)
    done = host.call("other")
    r.check("... or those of one instance", done.stdout.startswith("other\n") and "verbs\n" not in done.stdout, done.stdout)
    for request, wanted in ((({"verb": "call-next", "call": 10**9}), "no call"), ({"verb": "call-next", "call": 1, "from": -1}, "from"),
                            ({"verb": "call"}, "no instance"), ({"verb": "call", "instance": "verbs", "command": 7}, "no verb"),
                            ({"verb": "call", "instance": "verbs", "command": "say", "words": [1]}, "texts alone"),
                            ({"verb": "call", "instance": "verbs", "command": "say", "args": {"what": "x"}}, "what")):
        got = host.ask(request)
        r.check(f"{json.dumps(request)[:60]}: refused in words", re.search(wanted, got.get("error", "")), got)
    begun = [host.ask({"verb": "call", "instance": "other", "command": "never", "timeout_ms": 400}) for _ in range(17)]
    r.check("sixteen calls of an instance, and no more", all("call" in b for b in begun[:16]) and "are under way" in begun[16].get("error", ""), begun[16])
    r.check("... the others are called meanwhile", host.result("verbs", "say", "bye")[0] == 0)
    r.check("... and it can be called again", until(lambda: "call" in host.ask({"verb": "call", "instance": "other", "command": "say", "args": {"what": "bye"}}), 5))


def check_loss(r, host):
    """In a worker: its end ends its calls, and the verbs are there again with it."""
    begin = time.monotonic()
    done = host.call("verbs", "crash", "--timeout", "20")
    r.check("a worker that ends takes its calls with it: not known", done.returncode == 64 and time.monotonic() - begin < 10, done)
    r.check("... and its verbs come back with it", until(lambda: host.result("verbs", "say", "hello")[0] == 0, 10))


def check_alone(r, host):
    where = ["--config", host.config]
    done = host.call("verbs", "say", "hello", where=where)
    r.check("alone: starts what is needed, runs the verb, ends", done.returncode == 0 and done.stdout == "one\ntwo\nsaid\n", done)
    code, got = host.result("verbs", "later", where=where)
    r.check("alone: a later answer", (code, got) == (1, {"gone": 0}), got)
    done = host.call("verbs", where=where)
    r.check("alone: the list", "say" in done.stdout and "other" not in done.stdout, done.stdout)
    done = host.call("nobody", "say", where=where)
    r.check("alone: an instance that is not there", done.returncode == 2 and "nobody" in done.stderr, done)
    done = host.call("verbs", "never", "--timeout", "0.1", where=where)
    r.check("alone: a deadline", done.returncode == 64, done)


def check_replay(r, host):
    for isolation in ("none", "process"):
        done = subprocess.run([host.hawse, "replay", host.folder / "capture", "--path", host.folder.parent, "--isolation", isolation, "--json"],
                              capture_output=True, text=True, timeout=60)
        got = json.loads(done.stdout) if done.stdout else {}
        r.check(f"calls and answers replay the same ({host.folder.name}, replayed {isolation})",
                done.returncode == 0 and got.get("differing") == 0 and got.get("hash") == got.get("recorded_hash"), done.stdout + done.stderr)


def main():
    hawse = pathlib.Path(sys.argv[1]).resolve()
    r = Results()
    with tempfile.TemporaryDirectory(prefix="hawse-command-") as name:
        folder = pathlib.Path(name)
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
                        ROOT / "sdk/include", HERE / "plugin.c", "-o", folder / "verbs.so"], check=True)
        for isolation in ("none", "process"):
            host = Host(hawse, folder, isolation)
            try:
                if not host.ready():
                    r.check(f"the host is ready ({isolation})", False, host.said())
                    break
                check_arguments(r, host)
                check_answers(r, host)
                if isolation == "none":
                    check_wrong_calls(r, host)
                else:
                    check_loss(r, host)
                r.check("the log says who called what, and how it ended", re.search(
                    r"an operator calls say .*ended with status 0", host.said(), re.S), host.said())
                r.check("nothing that may not be done could be done", "could be answered" not in host.said())
            finally:
                code = host.end()
            r.check(f"the host stops by itself ({isolation})", code == 0, host.said())
            check_replay(r, host)
            if isolation == "none":
                check_alone(r, host)
    return 1 if r.report() else 0


sys.exit(main())
