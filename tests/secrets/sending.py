#!/usr/bin/env python3
"""Where keys may be while money moves: a host that signs and sends, through providers that repeat all they are sent in
what they answer. Then logs, journal, captures, commands, memory and /proc are searched for keys of providers, passphrases
and private keys, and the modes of files are looked at. Prints TAP.

    sending.py HAWSE PLUGIN_DIR ANVIL DUMPS_SO
"""
import base64
import http.client
import http.server
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "intents"))

from rig import CHAIN_ID, COUNTER, TARGET, Node, free_port, journal, report  # noqa: E402

NAMES = ("one_path", "one_query", "one_user", "one_word", "one_header", "two_path", "two_header", "three_path", "relay_path",
         "relay_header", "pass_file", "pass_env", "pass_credential")
FROM_ENV = {"two_path": "TRIAL_PATH", "two_header": "TRIAL_HEADER", "pass_env": "TRIAL_PASS"}
KEYS = {name: "k" + secrets.token_hex(11) for name in NAMES}
PRIVATE = {f"private_{name}": secrets.token_bytes(32) for name in ("file", "env", "credential")}
SENT = [n for n in NAMES if n.startswith(("one", "two", "three"))]  # what a provider gets to see

SAID = "said:"  # in front of a key that a provider repeats: what it sends is not the host's to keep secret in memory


class Provider(http.server.BaseHTTPRequestHandler):
    """In front of the node: some questions are refused, each time in another way and with all that came; one of the
    addresses is refused for good."""
    protocol_version = "HTTP/1.1"
    node, seen, count = None, [], 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        given = f"{self.path} {dict(self.headers)}"
        Provider.seen.append(given)
        given = re.sub(r"k[0-9a-f]{22}", SAID + r"\g<0>", given).replace("Basic ", "Basic " + SAID)
        Provider.count += 1
        status, text = 200, None
        question = json.loads(body)
        if self.path.startswith("/v3/"):
            status, text = 403, f"no such key, {given}"
        elif Provider.count % 6 == 0 and isinstance(question, dict):
            status = (200, 502, 500)[Provider.count // 6 % 3]
            error = {"code": -32603, "message": f"internal error, {given}", "data": given}
            text = json.dumps({"jsonrpc": "2.0", "id": question["id"], "error": error}) if status == 200 else f"no, {given}"
        if text is None:
            connection = http.client.HTTPConnection("127.0.0.1", Provider.node.port, timeout=5)
            connection.request("POST", "/", body, {"content-type": "application/json"})
            text = connection.getresponse().read().decode()
        data = text.encode()
        self.send_response(status, f"{given}"[:300].replace("\n", " ") if status != 200 else "OK")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Trial:
    def __init__(self, hawse, plugins, anvil, dumps):
        self.hawse, self.plugins, self.dumps, self.addresses = hawse, plugins, dumps, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-secrets-"))
        self.node = Provider.node = Node(anvil, self.folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.http, self.results, self.outputs = free_port(), [], {}
        (self.folder / "credentials").mkdir(mode=0o700)
        self.env = {**os.environ, "CREDENTIALS_DIRECTORY": str(self.folder / "credentials"),
                    **{variable: KEYS[name] for name, variable in FROM_ENV.items()}}
        self.given = set()  # files in which keys are meant to be

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else str(detail)[-1500:]))

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        self.given.add(path)
        return f"file:{path}"

    def command(self, *words, text=None, **more):
        done = subprocess.run([self.hawse, *map(str, words)], capture_output=True, text=True, env=self.env, timeout=15,
                              cwd=self.folder, input=text, **more)
        self.outputs[" ".join(map(str, words[:3]))] = done.stdout + done.stderr
        return done

    # ---- making ----

    def make_keys(self):
        self.secret("credentials/bot", KEYS["pass_credential"])
        sources = {"file": self.secret("pass_file", KEYS["pass_file"]), "env": "env:TRIAL_PASS", "credential": "credential:bot"}
        self.use = {}
        for name, source in sources.items():
            self.secret(f"{name}.hex", PRIVATE[f"private_{name}"].hex())
            done = self.command("keys", "import", name, self.folder / f"{name}.hex", "--dir", "keys", "--cost", "interactive",
                                "--passphrase-from", source, "--format", "hex", "--testnet-only", "--json")
            self.check(f"a key is imported with its passphrase from {source.split(':')[0]}", done.returncode == 0, done.stderr)
            address = re.search(r"0x[0-9a-fA-F]{40}", done.stdout + done.stderr).group(0)
            self.addresses.append(address)
            self.node.call("anvil_setBalance", address, hex(10 ** 20))
            self.use[name] = {"unlock": source}

    def config(self):
        host = f"127.0.0.1:{self.server.server_address[1]}"
        one = self.secret("one", f"http://{KEYS['one_user']}:{KEYS['one_word']}@{host}/v1/{KEYS['one_path']}?k={KEYS['one_query']}")
        return {
            "hawse": 1, "control": {"socket": "c.sock"}, "http": {"listen": f"127.0.0.1:{self.http}"},
            "log": {"level": "debug", "file": "log"}, "record": {"file": "capture.hrec"},
            "keys": {"dir": "keys", "use": self.use},
            "chains": {"local": {
                "chain_id": CHAIN_ID, "block_ms": 100,
                "providers": [
                    {"name": "one", "per_second": 0, "http": {"url": one, "headers": {
                        "X-Key": self.secret("one_header", KEYS["one_header"])}}},
                    {"name": "two", "per_second": 0, "http": {"url": f"http://{host}/v2/${{TRIAL_PATH}}",
                                                              "headers": {"Authorization": "Bearer ${TRIAL_HEADER}"}}},
                    {"name": "three", "per_second": 0, "http": self.secret("three", f"http://{host}/v3/{KEYS['three_path']}")}],
                "tx": {"confirmations": 1, "relay_form": "raw", "relay": {"url": self.secret("relay", f"http://{host}/r/{KEYS['relay_path']}"),
                                                     "headers": {"X-Relay": self.secret("relay_header", KEYS["relay_header"])}}}}},
            "instances": {"bot": {
                "plugin": "org.example.intents", "mode": "live", "grants": ["intent"],
                "settings": {"chain": "local", "account": "file", "target": TARGET, "count": 0},
                "limits": {"local": {"intents_per_day": 1000, "open_intents": 100, "assets": {},
                                     "counterparties": {TARGET: {"functions": ["hit(uint256)"]}}}}}}}

    # ---- the run ----

    def wait(self, what, seconds=8):
        end = time.monotonic() + seconds
        while not what() and time.monotonic() < end:
            time.sleep(0.05)
        return what()

    def ended(self):
        try:
            with journal(self.folder) as db:
                return [row[0] for row in db.execute("select step from intent where ended = 1")]
        except Exception:  # it is not there yet
            return []

    def mine(self):
        while not self.quit.wait(0.1):
            try:
                self.node.call("evm_mine")
            except (OSError, RuntimeError):
                return

    def send_all(self):
        hit = "0xebf6e91d" + "0" * 64
        for account in self.use:
            for name, to in ((f"good-{account}", TARGET), (f"refused-{account}", "0x" + "12" * 20)):
                intent = json.dumps({"id": name, "chain": "local", "account": account, "calls": [{"to": to, "data": hit}]})
                self.wait(lambda text=intent: self.command("send", "bot", "-", "--socket", "c.sock", text=text).returncode == 0)
        self.wait(lambda: len(self.ended()) >= 6)
        self.check("intents of each key are confirmed, and others refused", sorted(self.ended()) == [3, 3, 3, 9, 9, 9],
                   self.ended())

    def page(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
                self.outputs[path] = answer.read().decode()
        except urllib.error.HTTPError as error:
            self.outputs[path] = error.read().decode()

    def run(self):
        self.node.call("anvil_setCode", TARGET, COUNTER)
        self.make_keys()
        (self.folder / "hawse.json").write_text(json.dumps(self.config()))
        for words in (("config", "check"), ("config", "explain"), ("doctor",)):
            self.command(*words, "hawse.json")
        self.quit = threading.Event()
        threading.Thread(target=self.mine, daemon=True).start()
        process = self.start()
        try:
            self.observe(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.check("a crash leaves no core file, though the limit it was started with was none", not list(self.folder.glob("core*")))
        self.core()
        self.quit.set()
        self.refused_modes()
        self.search()

    def start(self, **more):
        with open(self.folder / "out", "ab") as out:
            return subprocess.Popen(["sh", "-c", "ulimit -c unlimited; exec \"$0\" run hawse.json", self.hawse], stdout=out,
                                    stderr=out, cwd=self.folder,
                                    env={**self.env, "HAWSE_PLUGIN_PATH": str(self.plugins), **more})

    def observe(self, process):
        self.wait(lambda: (self.folder / "c.sock").exists())
        self.send_all()
        seen = "\n".join(Provider.seen)
        missing = [n for n in SENT if KEYS[n] not in seen and n not in ("one_user", "one_word")] + [n for n in ("basic",) if self.basic().decode() not in seen]
        self.check("providers were sent their keys, and repeated them", not missing and Provider.count > 20, missing)
        for words in (("status",), ("status", "--json"), ("intents",), ("top", "--once")):
            self.command(*words, "--socket", "c.sock")
        for words in (("query",), ("export",), ("backup", "copy.db"), ("verify",)):
            self.command("journal", words[0], "state", *words[1:])
        for path in ("/metrics", "/healthz", "/readyz"):
            self.page(path)
        self.modes()
        self.proc(process.pid)
        self.memory(process.pid)
        process.send_signal(signal.SIGSEGV)
        process.wait(timeout=10)

    # ---- files ----

    def modes(self):
        wanted = {"state": 0o700, "state/journal.db": 0o600, "state/journal.db-wal": 0o600, "state/journal.db-shm": 0o600,
                  "state/journal.db.lock": 0o600, "state/journal.db.head": 0o600, "state/risk": 0o700, "copy.db": 0o600,
                  "keys": 0o700, "c.sock": 0o600, "capture.hrec": 0o600, "log": 0o600,
                  **{str(p.relative_to(self.folder)): 0o600 for p in (self.folder / "keys").iterdir()}}
        for name, mode in wanted.items():
            path = self.folder / name
            got = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
            self.check(f"{name} has mode {mode:o}", got == mode, oct(got) if got is not None else "it is not there")

    def refused_modes(self):
        """What others can read is not used."""
        key = next(p for p in (self.folder / "keys").iterdir() if p.name.startswith("file"))
        for what, path in (("key file", key), ("passphrase file", self.folder / "pass_file"),
                           ("file of a provider's key", self.folder / "one_header")):
            path.chmod(0o644)
            done = self.command("run", "hawse.json")
            said = done.stdout + done.stderr
            if (self.folder / "log").exists():
                said += (self.folder / "log").read_text(errors="replace")[-2000:]
            path.chmod(0o600)
            self.outputs[f"a {what} that all can read"] = said
            self.check(f"a {what} that all can read is refused", done.returncode != 0 and path.name in said and re.search(
                r"chmod|600|readable|mode", said), said[-500:])

    # ---- the process ----

    def proc(self, pid):
        """What came by the environment is wiped there when it was read, though the kernel shows what the host was started
        with; nothing else may be there, nor on the command line."""
        environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        found = [n for n, k in KEYS.items() if k.encode() in environ]
        found += [n for n, k in PRIVATE.items() if k in environ or k.hex().encode() in environ]
        self.check("/proc/PID/environ has none, though some came by it", b"TRIAL_PATH=" in environ and not found,
                   (found, environ[-300:]))
        line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        self.check("/proc/PID/cmdline has none", not any(k.encode() in line for k in KEYS.values()))
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.check("a core dump is not allowed", re.search(r"Max core file size\s+0\s+0", limits), limits)

    def memory(self, pid):
        """Private keys and passphrases that are still needed are in pages that are locked and not dumped."""
        time.sleep(1.2)  # what is under way ends
        wanted = {**{n: (k.encode(),) for n, k in KEYS.items()},
                  **{n: (k, k.hex().encode(), k[::-1]) for n, k in PRIVATE.items()},
                  "one_user and one_word as they are sent": (self.basic(),)}
        found = {name: [] for name in wanted}
        try:
            maps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
            memory = open(f"/proc/{pid}/mem", "rb", buffering=0)
        except OSError as error:
            self.check(f"keys are in locked memory alone # SKIP {error}", True)
            return
        for entry in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", maps):
            head, flags = entry.split("\n", 1)[0], re.search(r"VmFlags:(.*)", entry)
            begin, end = (int(x, 16) for x in head.split()[0].split("-"))
            if not head.split()[1].startswith("rw"):
                continue
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except (OSError, ValueError):
                continue
            locked = flags and {"lo", "dd"} <= set(flags.group(1).split())
            for name, forms in wanted.items():
                for form in forms:
                    for at in re.finditer(re.escape(form), data):
                        if data[max(0, at.start() - len(SAID)):at.start()] == SAID.encode():
                            continue
                        around = re.sub(rb"[^ -~]+", b".", data[max(0, at.start() - 60):at.end() + 8]).decode()
                        place = head.split()[-1] if "[" in head else "heap of a thread"
                        found[name].append("locked" if locked else f"{place} {around}")
        memory.close()
        for name, places in found.items():
            wrong = [p for p in places if not p.startswith("locked")]
            self.check(f"{name} is in locked memory alone, if at all", not wrong, wrong[:3])

    def core(self):
        """A host that believes it forbade core files, and crashes while it has all keys: the kernel writes the core file, and
        leaves out what is locked."""
        process = self.start(LD_PRELOAD=str(self.dumps))
        hit = {"id": "before-the-crash", "chain": "local", "account": "file", "calls": [{"to": TARGET, "data": "0xebf6e91d" + "0" * 64}]}
        self.wait(lambda: self.command("send", "bot", "-", "--socket", "c.sock", text=json.dumps(hit)).returncode == 0)
        self.wait(lambda: len(self.ended()) >= 7)
        time.sleep(1.2)  # what is under way ends
        process.send_signal(signal.SIGSEGV)
        process.wait(timeout=20)
        made = list(self.folder.glob("core*"))
        if not made:
            pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
            self.check(f"a core file has no key # SKIP core_pattern is {pattern}", pattern.startswith(("|", "/")), pattern)
            return
        data = made[0].read_bytes()
        for path in made:
            path.unlink()
        public = [a for a in self.addresses if bytes.fromhex(a[2:]) in data]
        self.check(f"a crash wrote a core file of {len(data) >> 20} MiB, in which the accounts are", data.startswith(b"\x7fELF") and
                   public, (len(data), self.addresses))
        wanted = {**{n: (k.encode(),) for n, k in KEYS.items()}, "user and word as they are sent": (self.basic(),),
                  **{n: (k, k.hex().encode(), k[::-1]) for n, k in PRIVATE.items()}}
        found = {}
        for name, forms in wanted.items():
            for form in forms:
                for at in re.finditer(re.escape(form), data):
                    if data[max(0, at.start() - len(SAID)):at.start()] != SAID.encode():
                        found[name] = re.sub(rb"[^ -~]+", b".", data[max(0, at.start() - 60):at.end() + 8]).decode()
        self.check(f"none of {len(wanted)} keys is in it", not found, found)

    @staticmethod
    def basic():
        return base64.b64encode(f"{KEYS['one_user']}:{KEYS['one_word']}".encode())

    def search(self):
        places = {name: text.encode() for name, text in self.outputs.items()}
        for path in self.folder.rglob("*"):
            if path.is_file() and path not in self.given:
                places[str(path.relative_to(self.folder))] = path.read_bytes()
        self.check("something was written", len(places.get("log", b"")) > 500 and len(places) > 20, sorted(places))
        forms = [(n, k[:10].encode()) for n, k in KEYS.items()] + [(n, k[-10:].encode()) for n, k in KEYS.items()]
        basic = self.basic()
        forms += [("one_word, as it is sent", basic[:16]), ("one_word, as it is sent", basic[-16:])]
        forms += [(n, f) for n, k in PRIVATE.items() for f in (k[:8], k.hex()[:16].encode(), k[:8].hex().upper().encode())]
        for place, data in sorted(places.items()):
            parts = sorted({name for name, form in forms if form in data})
            at = next((data.find(f) for n, f in forms if n in parts and f in data), 0)
            self.check(f"no key in {place}", not parts, (parts, data[max(0, at - 150):at + 60]))


def main():
    trial = Trial(*(pathlib.Path(p).resolve() for p in sys.argv[1:5]))
    try:
        trial.run()
    finally:
        trial.node.stop()
        trial.server.shutdown()
        if not os.environ.get("KEEP"):
            shutil.rmtree(trial.folder, ignore_errors=True)
    return 1 if report(trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
