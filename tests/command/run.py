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
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import Results, free_port, until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INVAL, STALE, NOTFOUND, EXISTS, LIMIT, FORMAT = -1, -5, -7, -8, -10, -11


class Host:
    def __init__(self, hawse, folder, isolation):
        self.hawse, self.folder, self.http = hawse, folder / isolation, free_port()
        self.folder.mkdir()
        rules = [{"instance": "verbs", "name": "loss", "then": "kill_instance"}, {"name": "many", "severity": "warning", "then": "breaker"},
                 {"name": "end", "then": "kill"}]
        self.socket = self.folder / "c.sock"
        self.config = self.folder / "hawse.json"
        self.config.write_text(json.dumps({
            "hawse": 1, "state_dir": "state", "plugins": {"path": [str(folder)]},
            "control": {"socket": "c.sock"}, "record": {"file": "capture"},
            "http": {"listen": f"127.0.0.1:{self.http}"}, "alerts": {"raise_ms": 0, "clear_ms": 300, "rules": rules},
            **self.stopping(hawse),
            "instances": {"verbs": {"plugin": "org.test.verbs", "isolation": isolation},
                          "other": {"plugin": "org.test.verbs", "isolation": isolation}}}))
        self.log = open(self.folder / "log", "w+")
        self.run()

    def run(self):
        self.process = subprocess.Popen([self.hawse, "run", self.config], cwd=self.folder, stdout=self.log, stderr=self.log)

    def killed(self):
        """kill -9, and started again, with a capture of its own."""
        self.process.kill()
        self.process.wait()
        (self.folder / "capture").rename(self.folder / "capture-killed")
        self.run()
        return self.ready()

    def stopping(self, hawse):
        """A chain and a key, so that there is something to stop; nobody answers for the chain."""
        (self.folder / "pass").write_text("correct horse\n")
        (self.folder / "pass").chmod(0o600)
        subprocess.run([hawse, "keys", "new", "bot", "--dir", self.folder / "keys", "--cost", "interactive", "--passphrase-file",
                        self.folder / "pass"], check=True, capture_output=True)
        return {"keys": {"dir": "keys", "use": {"bot": {"unlock": f"file:{self.folder / 'pass'}"}}},
                "chains": {"local": {"chain_id": 31337, "block_ms": 1000, "providers": [{"name": "none", "http": "http://127.0.0.1:9"}],
                                     "tx": {"max_gas_price_gwei": 1}}}}

    def ready(self):
        return until(lambda: "call" in self.ask({"verb": "call", "instance": "other", "command": "say", "args": {"what": "bye"}}), 20)

    def metrics(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=5) as page:
            return [line for line in page.read().decode().splitlines() if line.startswith(name)]

    def alerts(self):
        return {a["name"]: a for a in json.loads(self.status("--json").stdout)["alerts"]}

    def switches(self):
        return sorted(p.name for p in (self.folder / "state").rglob("*") if re.match(r"kill|breaker", p.name))

    def status(self, *more):
        return subprocess.run([self.hawse, "status", "--socket", self.socket, *more], capture_output=True, text=True, timeout=10)

    def call(self, *words, where=None):
        where = where or ["--socket", self.socket]
        return subprocess.run([self.hawse, "call", *where, *words], cwd=self.folder, capture_output=True, text=True, timeout=30)

    def result(self, *words, where=None):
        done = self.call("--json", *words, where=where)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def ask(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(str(self.socket))
            except OSError:
                return {}
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
    code, got = host.result("verbs", "later")
    r.check("a verb answers later, with a status of its own", (code, got) == (1, {"gone": 0}), (code, got))
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


def check_alerts(r, host):
    say = lambda *words: host.result("verbs", "alert", *words)[1]  # noqa: E731
    r.check("an alert is raised", say("raise", "slow", "severity=2") == 0)
    shown = host.alerts()
    r.check("... and is in the status, with its figures", shown.get("slow", {}).get("state") == "firing" and
            shown["slow"]["severity"] == "warning" and shown["slow"]["fields"] == {"figure": "42"}, shown)
    r.check("... on the screen", re.search(r"^  ! verbs: slow: the trial said so$", host.status().stdout, re.M), host.status().stdout)
    gauge = 'hawse_alerts{instance="verbs",alert="slow",severity="warning"}'
    r.check("... and in the metrics", host.metrics(gauge) == [gauge + " 1"], host.metrics("hawse_alerts"))
    for _ in range(10):
        say("clear", "slow")
        say("raise", "slow")
    total = 'hawse_alerts_total{instance="verbs",alert="slow"}'
    r.check("what comes and goes is noticed once", host.metrics(total) == [total + " 1"] and host.said().count("alert slow (") == 1,
            host.metrics("hawse_alerts"))
    say("clear", "slow")
    r.check("it is over when it has been down for long enough", until(lambda: "slow" not in host.alerts(), 5) and
            host.metrics(gauge) == [gauge + " 0"] and "alert slow is over" in host.said(), host.alerts())
    r.check("clearing what is not up says so", say("clear", "slow") == NOTFOUND and say("clear", "never") == NOTFOUND)
    for words in (("raise", "Slow"), ("raise", "x" * 65), ("raise", "slow", "severity=0"), ("raise", "slow", "severity=4")):
        r.check(f"alert {' '.join(words)[:30]}: refused", say(*words) == INVAL)
    r.check("nothing is stopped by all that", host.switches() == [], host.switches())
    say("raise", "loss", "severity=2")
    r.check("an alert below a rule's severity pulls nothing", host.switches() == [], host.switches())
    say("raise", "loss", "severity=3")
    r.check("... and at it the instance's kill switch", until(lambda: host.switches() == ["kill.verbs"], 3), host.switches())
    say("raise", "many")
    r.check("another rule opens the breaker", until(lambda: host.switches() == ["breaker.verbs", "kill.verbs"], 3), host.switches())
    say("raise", "end", "severity=3")
    r.check("another stops all", until(lambda: "kill" in host.switches(), 3) and "alert: end of verbs" in host.said(), host.switches())
    say("clear", "end")
    until(lambda: "end" not in host.alerts(), 5)
    r.check("what an alert has stopped stays so when it is over", "kill" in host.switches(), host.switches())
    done = subprocess.run([host.hawse, "resume", "--socket", host.socket], capture_output=True, text=True, timeout=10)
    r.check("... until the operator resumes", done.returncode == 0 and "kill" not in host.switches(), done)


def keep(host, key, letter, times=1, instance="verbs"):
    return host.result(instance, "keep", key, letter, f"times={times}")[1]


def check_store(r, host, isolation):
    """What is kept: bounds, each instance its own, and after kill -9 as it was put last."""
    r.check("nothing is kept at first, and that is told", host.result("verbs", "kept") == (0, ["", 1]), host.result("verbs", "kept"))
    codes = [keep(host, *what) for what in (("k" * 64, "a"), ("k" * 65, "a"), ("A", "a"), ("", "a"), ("b", "b", 4096), ("b", "c", 4097))]
    r.check("keys and values keep their bounds", codes == [0, INVAL, INVAL, INVAL, 0, INVAL], codes)
    full = [keep(host, f"f{n}", "f", 4000) for n in range(16)]
    r.check("all of an instance have a bound", full == [0] * 15 + [LIMIT], full)
    codes = [keep(host, f"f{n}", "f", 0) for n in range(15)] + [keep(host, "b", "d", 3), keep(host, "k" * 64, "e", 0)]
    codes += [keep(host, "z.1_x-", "z", 2), keep(host, "b", "o", 1, "other")]
    r.check("keys are forgotten, and written anew", set(codes) == {0}, codes)
    time.sleep(0.2)  # the journal is written behind the answers
    r.check("the host is there again after kill -9", host.killed(), host.said())
    (_, got), (_, other) = host.result("verbs", "kept"), host.result("other", "kept")
    r.check(f"what was put last is told, and nothing else ({isolation})", sorted(got[0].split(";")) == ["", "b=d*3", "z.1_x-=z*2"] and got[1] == 1,
            got)
    r.check("each instance hears of its own", other == ["b=o*1;", 1], other)
    if isolation == "process":
        host.call("verbs", "crash")
        r.check("a worker that comes back is told anew", until(lambda: host.result("verbs", "kept")[1] == got, 10), host.said())
    asked = subprocess.run([host.hawse, "journal", "query", host.folder / "state", "--json"], cwd=host.folder, capture_output=True, text=True,
                           timeout=20)
    r.check("the journal shows who kept what", '"z.1_x-"' in asked.stdout and "0x7a7a" in asked.stdout, asked)


def check_journal_down(r, host):
    """Somebody else has the journal for a while: what is put then is in it as soon as it can be, and before anything else."""
    keep(host, "gone", "g", 3)
    with sqlite3.connect(host.folder / "state/journal.db", isolation_level=None) as db:
        db.execute("begin immediate")
        told = [keep(host, "down", "d", 7), keep(host, "gone", "g", 0)]
        r.check("a journal that cannot be written is said", until(lambda: re.search(r"ERROR tx .*journal", host.said()), 20), host.said())
        r.check("... also to who waits for a verb that had something kept", all(
            "it was done, but the journal cannot be written" in str(answer) for answer in told), told)
        db.execute("rollback")
    r.check("... and that it can again", until(lambda: "can be written again" in host.said(), 20), host.said())
    time.sleep(0.2)
    r.check("the host is there again after kill -9", host.killed(), host.said())
    _, got = host.result("verbs", "kept")
    keys = sorted(got[0].split(";"))
    r.check("what was put meanwhile was not lost, nor what was forgotten kept", "down=d*7" in keys and not any(k.startswith("gone") for k in keys), got)


def check_loss(r, host):
    """In a worker: its end ends its calls, and the verbs are there again with it."""
    begin = time.monotonic()
    done = host.call("verbs", "crash", "--timeout", "20")
    r.check("a worker that ends takes its calls with it: not known", done.returncode == 64 and time.monotonic() - begin < 20, done)
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
    for capture, isolation in (("capture", "none"), ("capture", "process"), ("capture-killed", "none")):
        done = subprocess.run([host.hawse, "replay", host.folder / capture, "--path", host.folder.parent, "--isolation", isolation, "--json"],
                              capture_output=True, text=True, timeout=60)
        got = json.loads(done.stdout) if done.stdout else {}
        r.check(f"calls and answers replay the same ({host.folder.name}, {capture}, replayed {isolation})",
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
                check_alerts(r, host)
                if isolation == "none":
                    check_wrong_calls(r, host)
                else:
                    check_loss(r, host)
                check_store(r, host, isolation)
                if isolation == "none":
                    check_journal_down(r, host)
                host.call("verbs", "say", "hello")
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
