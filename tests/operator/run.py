#!/usr/bin/env python3
"""hawse as its operator meets it: help, wrong command lines, wrong files, a running host, its pages and its socket.
Prints TAP.

    run.py HAWSE PLUGIN_DIR
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import free_port, report  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ("run", "plugins", "config", "doctor", "keys", "signer", "status", "top", "call", "feed", "replay", "report", "version")
# command line: (exit code, what is said)
WRONG = {
    "": (2, r"usage: hawse COMMAND"),
    "frob": (2, r"no command \"frob\""),
    "statsu": (2, r"did you mean \"status\"\?"),
    "run": (2, r"run needs one configuration file"),
    "run a b": (2, r"one word too many: b"),
    "run --foo a": (2, r"run has no option --foo"),
    "run --stict a": (2, r"did you mean \"--strict\"\?"),
    "run a --set": (2, r"--set needs a value"),
    "run GOOD --set x": (2, r"expected PATH=VALUE"),
    "run GOOD --set log.levl=warn": (2, r"--set: log\.levl.*did you mean \"level\""),
    "run NOFILE": (2, r"cannot open the configuration .*No such file"),
    "run FOLDER": (2, r"cannot read the configuration .*Is a directory"),
    "status --set a=b": (2, r"status has no option --set"),
    "status extra": (2, r"one word too many: extra"),
    "status": (1, r"no hawse answers on control\.sock.*is it running"),
    "top --once --socket NOFILE": (1, r"no hawse answers on"),
    "config": (2, r"expected check, explain or schema"),
    "config chekc GOOD": (2, r"did you mean \"check\"\?"),
    "config check": (2, r"needs a configuration file"),
    "config check CUT": (2, r"cut\.json:2:\d+: .*fix: "),
    "config check COMMA": (2, r"comma\.json:3:\d+: .*remove the comma before the closing bracket"),
    "config check WORD": (2, r"word\.json:2: log\.level: found \"loud\".*error"),
    "config explain GOOD no.such": (1, r"nothing at \"no\.such\""),
    "plugins --path NOFILE": (2, r"there is no folder"),
    "plugins release abcd GOOD": (1, r"no quarantined file has the digest abcd"),
    "plugins release": (2, r"needs DIGEST and CONFIG"),
    "doctor": (2, r"doctor needs one configuration file"),
    "doctor NOFILE": (2, r"cannot open the configuration"),
    "keys": (2, r"expected new, import, list"),
    "keys lst": (2, r"did you mean \"list\"\?"),
    "keys new": (2, r"keys new takes NAME"),
    "keys list --dir NOFILE": (1, r"cannot open the folder .*No such file"),
    "signer": (2, r"signer needs --socket PATH"),
    "feed NOFILE": (2, r"cannot open the sample"),
    "feed GOOD --listen 8.8.8.8:1": (2, r"expected a loopback address"),
    "feed GOOD --speed fast": (2, r"expected a number above 0"),
}


class Trial:
    def __init__(self, hawse, plugins):
        self.plugins = plugins
        self.manual = pathlib.Path(plugins).parent / "packaging/man1"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-operator-"))
        self.folder.chmod(0o755)
        # a copy that another user may run too, wherever the checkout is
        self.hawse = shutil.copy(hawse, self.folder / "hawse")
        self.results = []
        self.node, self.http = free_port(), free_port()
        self.files = {"GOOD": self.folder / "good.json", "NOFILE": self.folder / "nofile", "FOLDER": self.folder,
                      "CUT": self.folder / "cut.json", "COMMA": self.folder / "comma.json",
                      "WORD": self.folder / "word.json"}
        self.files["CUT"].write_text("{\"hawse\": 1,\n \"instances\":")
        self.files["COMMA"].write_text("{\"hawse\": 1,\n \"instances\": {},\n}")
        self.files["WORD"].write_text("{\"hawse\": 1, \"instances\": {},\n \"log\": {\"level\": \"loud\"}}")
        self.files["GOOD"].write_text(json.dumps(self.config()))
        self.log = self.folder / "log"

    def config(self):
        url = f"127.0.0.1:{self.node}"
        return {"hawse": 1, "plugins": {"path": [str(self.plugins)]}, "state_dir": "state",
                "control": {"socket": "c.sock"}, "http": {"listen": f"127.0.0.1:{self.http}"},
                "instances": {
                    "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"],
                              "endpoints": {"ws": f"ws://{url}", "http": f"http://{url}"}},
                    "lines": {"plugin": "org.hawse.ticker", "links": {"chain": "chain"}}}}

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else f"{detail}"[:1500]))

    def command(self, line, **options):
        words = [str(self.files.get(w, w)) for w in line.split()]
        return subprocess.run([self.hawse, *words], capture_output=True, text=True, timeout=10, cwd=self.folder,
                              **options)

    def help(self):
        done = self.command("help")
        self.check("help names every command", done.returncode == 0 and
                   all(f"hawse {c} " in done.stdout for c in COMMANDS), done.stdout)
        for name in COMMANDS:
            done = self.command(f"{name} --help")
            options = set(re.findall(r"--\w+", re.search(r"usage:.*", done.stdout).group(0)))
            told = set(re.findall(r"^  (--\w+)", done.stdout, flags=re.M))
            self.check(f"{name} --help tells of each of its options", done.returncode == 0 and not done.stderr
                       and told >= options and "Exit codes" in done.stdout, f"{options - told} {done.stderr}")
            page = (self.manual / f"hawse-{name}.1").read_text()
            missing = [o for o in re.findall(r"^  (--[\w-]+)", done.stdout, flags=re.M)
                       if f".It Fl -{o[2:]}" not in page]
            self.check(f"{name} has a man page with all its options", not missing, f"{missing}")

    def man_pages(self):
        for page in sorted(self.manual.glob("*.1")):
            done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(page)], capture_output=True, text=True, timeout=10)
            self.check(f"the man page {page.name} has no fault", done.returncode == 0 and not done.stdout, done.stdout)

    def wrong(self):
        for line, (code, pattern) in WRONG.items():
            done = self.command(line)
            text = " ".join((done.stdout + done.stderr).split())
            self.check(f"wrong: hawse {line}", done.returncode == code and re.search(pattern, text),
                       f"exit code {done.returncode}, {text}")

    def unreadable(self):
        path = self.folder / "secret.json"
        path.write_text("{}")
        path.chmod(0)
        if os.geteuid() == 0:
            done = self.command(f"config check {path}", user="nobody")
        else:
            done = self.command(f"config check {path}")
        self.check("a file that may not be read is named with the reason", done.returncode == 2
                   and f"cannot open the configuration {path}: Permission denied" in done.stderr, done.stderr)

    def json_outputs(self):
        for line in ("version --json", "config schema", "config explain GOOD --json", "config check GOOD --json",
                     "config check WORD --json", f"plugins --path {self.plugins} --json", "plugins GOOD --json"):
            done = self.command(line)
            try:
                json.loads(done.stdout)
                good = not done.stderr
            except ValueError:
                good = False
            self.check(f"hawse {line} is JSON and nothing else", good, done.stdout + done.stderr)
        verdict = json.loads(self.command("config check WORD --json").stdout)
        self.check("config check --json gives the fault and the fix", verdict["good"] is False
                   and "log.level" in verdict["errors"][0]["error"], verdict)

    def examples(self):
        """services.json, and services.env, which has each variable that it names: both as an operator would take them."""
        folder = pathlib.Path(shutil.copytree(ROOT / "packaging/examples", self.folder / "examples"))
        values = dict(re.findall(r"^([A-Z_]+)=(.*)$", (folder / "services.env").read_text(), flags=re.M))
        text = (folder / "services.json").read_text()
        named = set(re.findall(r"\$\{(\w+)\}|env:(\w+)", text))
        self.check("services.env has the variables of services.json, and no other",
                   {a or b for a, b in named} == set(values), f"{named} {set(values)}")
        environment = {**os.environ, **values}
        for key in ("bot", "relay"):
            self.command(f"keys new {key} --dir {folder}/keys --chain 1 --cost interactive "
                         f"--passphrase-from env:{key.upper()}_PASSPHRASE", env=environment)
        done = self.command(f"config check {folder}/services.json", env=environment)
        self.check("services.json is a good configuration", done.returncode == 0, done.stdout + done.stderr)
        done = self.command(f"config explain {folder}/services.json", env=environment)
        self.check("and shows none of the values", done.returncode == 0 and "REPLACE" not in done.stdout, done.stdout)
        done = self.command(f"config check {folder}/services.json")
        self.check("a variable that is not set is named", done.returncode == 2 and "is not set" in done.stderr
                   and all(name in done.stderr for name in values if "PASSPHRASE" not in name), done.stderr)

    def page(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode(), answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers["content-type"]

    def pages(self):
        status, text, kind = self.page("/metrics")
        self.check("/metrics is Prometheus text", status == 200 and kind.startswith("text/plain; version=0.0.4"))
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.check("promtool has nothing to say of /metrics", done.returncode == 0 and not done.stderr,
                       done.stderr)
        for name in ("hawse_stream_up", "hawse_stream_silence_seconds", "hawse_stream_messages_total",
                     "hawse_channel_state", "hawse_callback_seconds_bucket", "hawse_instance_up"):
            self.check(f"/metrics has {name}", re.search(rf"^{name}\{{", text, re.M), text[:500])
        self.check("/healthz", self.page("/healthz")[:2] == (200, "{\"healthy\":true}\n"), self.page("/healthz"))
        self.check("/readyz", self.page("/readyz")[:2] == (200, "{\"ready\":true,\"reasons\":[]}\n"),
                   self.page("/readyz"))
        self.check("other pages are 404", self.page("/etc/passwd")[0] == 404, self.page("/etc/passwd"))
        self.check("other methods are refused", self.page("/metrics", "POST")[0] == 405)

    def request(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(4)
            s.connect(str(self.folder / "c.sock"))
            s.sendall(line)
            answer = b""
            while more := s.recv(65536):
                answer += more
            return answer

    def control(self):
        path = self.folder / "c.sock"
        self.check("the control socket has mode 0600", path.stat().st_mode & 0o777 == 0o600)
        done = self.command("status --json --socket c.sock")
        status = json.loads(done.stdout)
        self.check("status --json", done.returncode == 0 and status["ready"] and len(status["instances"]) == 2,
                   done.stdout)
        busy = [lane["busy_ratio"] for lane in status["lanes"]]
        self.check("status says how busy each lane is", busy and all(0 < ratio < 1 for ratio in busy), busy)
        done = self.command("status --socket c.sock")
        self.check("status is readable", "READY" in done.stdout and "chain/ws" in done.stdout, done.stdout)
        done = self.command("top --once --socket c.sock")
        self.check("top --once ends", done.returncode == 0 and done.stdout.count("hawse 0.") == 2, done.stdout)
        for line in (b"{\"verb\":\"nosuch\"}\n", b"no json\n", b"{}\n"):
            self.check(f"the socket answers {line!r} with an error", b"\"error\"" in self.request(line))
        if os.geteuid() == 0:
            path.chmod(0o666)  # now only the peer's credentials keep strangers out
            done = self.command("status --socket c.sock", user="nobody")
            path.chmod(0o600)
            self.check("another user gets no answer, whatever the mode", done.returncode == 1
                       and "instances" not in done.stdout, done.stdout + done.stderr)

    def reload(self, process):
        good = self.files["GOOD"].read_text()
        for name, text, pattern in (
                ("cut", good[:-3], r"reload rejected, everything stays as it was: .*good\.json:1:"),
                ("a port that changes", good.replace(str(self.http), "1"), r"http\.listen cannot change"),
                ("a plugin that is none", good.replace("hawse.ticker", "hawse.tocker"), r"no plugin file has the id"),
                ("as it was", good, r"reloaded ")):
            self.files["GOOD"].write_text(text)
            process.send_signal(signal.SIGHUP)
            self.check(f"reload: {name}", self.wait(pattern), self.log.read_text()[-600:])
        self.check("after all of them it is still ready", self.page("/readyz")[0] == 200)

    def second(self):
        done = self.command("run GOOD")
        self.check("a second one says that the port is taken, in its own words", done.returncode == 1
                   and "http.listen: cannot listen on" in done.stderr and "E: " not in done.stderr, done.stderr)
        done = self.command("run GOOD --set http=null")
        self.check("a second one does not take the socket away", done.returncode == 1
                   and "is in use by another hawse" in done.stderr, done.stderr)
        self.check("and the first one still answers", b"\"ready\":true" in self.request(b"{\"verb\":\"status\"}\n"))

    def wait(self, pattern, seconds=5):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if re.search(pattern, self.log.read_text(errors="replace")):
                return True
            time.sleep(0.05)
        return False

    def live(self):
        feed = subprocess.Popen([self.hawse, "feed", str(ROOT / "packaging/quickstart/gnosis-sample.ndjson"),
                                 "--speed", "20", "--listen", f"127.0.0.1:{self.node}"], stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        with open(self.log, "w", encoding="utf-8") as log:
            process = subprocess.Popen([self.hawse, "run", str(self.files["GOOD"])], stderr=log, cwd=self.folder)
            try:
                self.check("it comes up", self.wait(r" block \d+"), self.log.read_text()[-600:])
                self.pages()
                self.control()
                self.second()
                self.reload(process)
                process.send_signal(signal.SIGTERM)
                self.check("SIGTERM ends it with 0", process.wait(timeout=6) == 0)
                self.check("and the socket is gone", not (self.folder / "c.sock").exists())
            finally:
                feed.terminate()
                feed.wait()
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def bad_places(self):
        for name, sets, pattern in (
                ("log.file", "--set log.file=/nonexistent/x", r"log\.file: cannot open /nonexistent/x"),
                ("state_dir", "--set state_dir=/nonexistent/x", r"state_dir: cannot make folder /nonexistent/x"),
                ("control.socket", "--set control.socket=/nonexistent/x", r"control\.socket: cannot listen on")):
            done = self.command(f"run GOOD --set http=null {sets}")
            self.check(f"{name} that cannot be is named", done.returncode == 1
                       and re.search(pattern, done.stderr), done.stderr)


def main():
    trial = Trial(*(pathlib.Path(p).resolve() for p in sys.argv[1:3]))
    try:
        trial.help()
        trial.man_pages()
        trial.wrong()
        trial.unreadable()
        trial.json_outputs()
        trial.examples()
        trial.live()
        trial.bad_places()
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return 1 if report(trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
