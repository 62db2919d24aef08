#!/usr/bin/env python3
"""Where a key may be: the host runs against a server that repeats every key it is given, in refusals, close reasons
and errors. Then all that the host wrote or answered is searched for the keys, and its memory too. Prints TAP.

    run.py HAWSE PLUGIN_DIR
"""
import base64
import hashlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

KEYS = {name: "k" + secrets.token_hex(11) for name in ("env_path", "env_token", "file_header", "file_path", "file_query")}
KEYS |= {"login_secret": "k" + secrets.token_hex(12)[:23], "login_phrase": "k" + secrets.token_hex(11)}
KEYS |= {"derived_secret": "k" + secrets.token_hex(12)[:23], "derived_phrase": "k" + secrets.token_hex(11),
         "wallet_key": "0x" + secrets.token_hex(32)}  # the last one signs, and is never sent
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HASH = "0x" + "11" * 32


def frame(opcode, payload):
    return bytes([0x80 | opcode, len(payload)]) + payload


class Server:
    """Refuses the first upgrade, closes the second connection, keeps the third; each time it repeats what it was
    sent. The first two questions by HTTP are refused, each in another way, also with all it was sent."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.upgrades = self.questions = self.logins = self.rows_asked = 0
        self.requests = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.client, args=(client,), daemon=True).start()

    def client(self, client):
        try:
            while self.request(client):
                pass
        except OSError:
            pass
        finally:
            client.close()

    def request(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return False
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        text = head.decode()
        self.requests.append(text)
        given = " ".join(re.findall(r"k[0-9a-f]{22}", text))
        if "/user " in text and "upgrade: websocket" in text.lower():
            return self.login(client, text)
        if text.startswith("GET /auth/derive-api-key"):
            return self.derive(client)
        if text.startswith("GET /data/"):
            return self.rows(client, given)
        if "upgrade: websocket" in text.lower():
            return self.upgrade(client, text, given)
        length = int(re.search(r"content-length: (\d+)", text, re.I).group(1))
        while len(body) < length:
            body += client.recv(65536)
        return self.question(client, json.loads(body), given)

    def upgrade(self, client, text, given):
        self.upgrades += 1
        if self.upgrades == 1:
            client.sendall(f"HTTP/1.1 401 no such key {given}\r\nContent-Length: 0\r\n\r\n".encode())
            return False
        key = re.search(r"sec-websocket-key: (\S+)", text, re.I).group(1)
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        client.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        if self.upgrades == 2:
            client.sendall(frame(8, struct.pack(">H", 4001) + f"quota of {given[:90]}".encode()))
        while client.recv(65536):  # whatever is asked stays unanswered
            pass
        return False

    def login(self, client, text):
        """A user channel: what is sent first is the login."""
        accept = base64.b64encode(hashlib.sha1((re.search(r"Sec-WebSocket-Key: (\S+)", text, re.I).group(1) + GUID)
                                               .encode()).digest()).decode()
        client.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        data = b""
        while more := client.recv(65536):
            data += more
            while len(data) >= 6 and (length := data[1] & 127) < 127:
                at = 2
                if length == 126:
                    length, at = int.from_bytes(data[2:4], "big"), 4
                if len(data) < at + 4 + length:
                    break
                mask, body = data[at:at + 4], data[at + 4:at + 4 + length]
                said = bytes(b ^ mask[i % 4] for i, b in enumerate(body)).decode(errors="replace")
                data = data[at + 4 + length:]
                self.requests.append(said)
                self.logins += "auth" in said
                if said == "PING":
                    client.sendall(frame(1, b"PONG"))
        return False

    def derive(self, client):
        """The session that belongs to a wallet: the host's alone."""
        text = json.dumps({"apiKey": "derived-id", "secret": KEYS["derived_secret"],
                           "passphrase": KEYS["derived_phrase"]})
        client.sendall((f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
        return True

    def rows(self, client, given):
        """REST of an account: refused once, with all that was sent; then there is nothing."""
        self.rows_asked += 1
        status, text = ("400 Bad Request", json.dumps({"error": f"unknown {given}"})) if self.rows_asked == 1 else \
            ("200 OK", '{"next_cursor":"LTE=","data":[]}')
        client.sendall((f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
        return True

    def question(self, client, question, given):
        self.questions += 1
        answer = {"jsonrpc": "2.0", "id": question["id"]}
        status = "200 OK"
        if self.questions == 1:
            answer["error"] = {"code": -32001, "message": f"invalid api key {given}"}
        elif self.questions == 2:
            status, answer = f"403 {given}", f"go away, {given}"
        else:
            answer["result"] = "0x64" if question["method"] == "eth_chainId" else {
                "number": "0x1", "hash": HASH, "parentHash": HASH, "timestamp": "0x1"}
        text = answer if isinstance(answer, str) else json.dumps(answer)
        client.sendall((f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
        return True


class Trial:
    def __init__(self, hawse, plugins):
        self.hawse, self.plugins = hawse, plugins
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-secrets-"))
        self.server = Server()
        self.env = {**os.environ, "TRIAL_PATH": KEYS["env_path"], "TRIAL_TOKEN": KEYS["env_token"]}
        self.results, self.outputs = [], {}
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.http = s.getsockname()[1]

    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return f"file:{path}"

    def config(self):
        host = f"127.0.0.1:{self.server.port}"
        url = self.secret("url", f"http://{host}/v2/{KEYS['file_path']}?token={KEYS['file_query']}")
        headers = {"Authorization": "Bearer ${TRIAL_TOKEN}", "X-Key": self.secret("header", KEYS["file_header"])}
        times = {"backoff_min_ms": 50, "backoff_max_ms": 100}
        path = self.folder / "hawse.json"
        path.write_text(json.dumps({
            "hawse": 1, "plugins": {"path": [str(self.plugins)]}, "state_dir": str(self.folder / "state"),
            "log": {"level": "debug", "format": "json", "file": str(self.folder / "log")},
            "control": {"socket": str(self.folder / "c.sock")}, "http": {"listen": f"127.0.0.1:{self.http}"},
            "instances": {
                "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"], "endpoints": {
                    "ws": {"url": f"ws://{host}/v3/${{TRIAL_PATH}}", "headers": headers, **times},
                    "http": {"url": url, "headers": headers}}},
                "account": {"plugin": "org.hawse.polymarket", "allow": "beta",
                            "grants": ["net", "http", "sign:polymarket-l2"],
                            "endpoints": {"user": {"url": f"ws://{host}/user", **times}, "clob": f"http://{host}"},
                            "credentials": {"me": {
                                "schema": "polymarket-l2", "endpoints": ["user", "clob"], "values": {
                                    "address": "0x" + "11" * 20, "api_key": "the-public-id",
                                    "secret": self.secret("login_secret", KEYS["login_secret"]),
                                    "passphrase": self.secret("login_phrase", KEYS["login_phrase"])}}},
                            "settings": {"account": "me", "account_ms": 1000}},
                "wallet": {"plugin": "org.hawse.polymarket", "allow": "beta",
                           "grants": ["net", "http", "sign:polymarket-l1"],
                           "endpoints": {"user": {"url": f"ws://{host}/user", **times}, "clob": f"http://{host}"},
                           "credentials": {"me": {
                               "schema": "polymarket-l1", "endpoints": ["user", "clob"],
                               "values": {"key": self.secret("wallet_key", KEYS["wallet_key"])}}},
                           "settings": {"account": "me", "account_ms": 1000}},
                "lines": {"plugin": "org.hawse.jsonl", "links": {"chain": "chain", "account": "account", "wallet": "wallet"},
                          "settings": {"sources": ["chain", "account", "wallet"]}}},
            "record": {"file": str(self.folder / "capture.hrec")}}))
        return path

    def check(self, name, fault):
        self.results.append((name, fault))

    def command(self, *words):
        done = subprocess.run([self.hawse, *map(str, words)], capture_output=True, text=True, env=self.env,
                              timeout=10)
        self.outputs[" ".join(map(str, words[:2]))] = done.stdout + done.stderr
        return done

    def page(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
                self.outputs[path] = answer.read().decode()
        except urllib.error.HTTPError as error:
            self.outputs[path] = error.read().decode()

    def wait(self, what, seconds=8):
        until = time.monotonic() + seconds
        while not what() and time.monotonic() < until:
            time.sleep(0.05)
        return what()

    def run(self):
        path = self.config()
        for words in (("config", "check", path), ("config", "explain", path), ("config", "explain", path, "--json"),
                      ("plugins", path)):
            self.command(*words)
        with open(self.folder / "out", "wb") as out:
            process = subprocess.Popen([self.hawse, "run", str(path)], stdout=out, stderr=out, env=self.env,
                                       cwd=self.folder)
            try:
                self.observe(process, path)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
        self.check("a crash leaves no core file", "there is one" if list(self.folder.glob("core*")) else None)
        self.search()

    def observe(self, process, path):
        come = self.wait(lambda: self.server.upgrades >= 3 and self.server.questions >= 3 and
                         self.server.logins >= 2 and self.server.rows_asked >= 5)
        self.check("the host comes up behind the refusals", None if come else "it did not: " + self.log()[-800:])
        sent = "\n".join(self.server.requests)
        missing = [name for name, key in KEYS.items() if key not in sent and name != "wallet_key"]
        self.check("every key was sent to the server", f"not {missing}" if missing else None)
        for words in (("status", "--socket", self.folder / "c.sock"),
                      ("status", "--json", "--socket", self.folder / "c.sock"),
                      ("top", "--once", "--socket", self.folder / "c.sock")):
            self.command(*words)
        for page in ("/metrics", "/readyz", "/healthz"):
            self.page(page)
        process.send_signal(signal.SIGHUP)
        reloaded = self.wait(lambda: '"reloaded ' in self.log())
        self.check("a reload keeps running", None if reloaded else self.log()[-800:])
        self.memory(process.pid)
        process.send_signal(signal.SIGSEGV)
        process.wait(timeout=10)
        crash = self.folder / "state" / "last-crash"
        self.check("a crash is reported", None if crash.exists() and "crash: signal 11" in crash.read_text()
                   else "last-crash says nothing")

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def memory(self, pid):
        """Keys are in pages that are locked and not dumped; those of the environment in it too."""
        time.sleep(1.5)  # what is under way ends
        found = {name: [] for name in KEYS}
        try:
            maps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
            memory = open(f"/proc/{pid}/mem", "rb", buffering=0)
        except OSError as error:
            self.check("keys are in locked memory alone # SKIP " + str(error), None)
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
            for name, key in KEYS.items():
                for at in re.finditer(key.encode(), data):
                    place = "locked" if locked else head.split()[-1] if "[" in head else "heap of a thread"
                    around = re.sub(rb"[^ -~]+", b".", data[max(0, at.start() - 40):at.end() + 8])
                    found[name].append(place if locked else f"{place} {around.decode()}")
        memory.close()
        for name, places in found.items():
            may = ("locked", "[stack]") if name.startswith("env") else ("locked",)
            wrong = [p for p in places if not p.startswith(may)]
            fault = f"found in {wrong}" if wrong else None if "locked" in places else "is nowhere"
            self.check(f"{name} is in locked memory alone", fault)

    def search(self):
        places = dict(self.outputs)
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in ("url", "header", "login_secret", "login_phrase", "wallet_key"):
                places[str(path.relative_to(self.folder))] = path.read_text(errors="replace")
        self.check("something was written", None if len(places.get("log", "")) > 500 else "the log is empty")
        for place, text in sorted(places.items()):
            parts = [name for name, key in KEYS.items() if key[:8] in text or key[-8:] in text]
            where = next((line for line in text.splitlines() if any(KEYS[p][:8] in line for p in parts)), "")
            self.check(f"no key in {place}", f"{parts}: {where[:400]}" if parts else None)


def main():
    trial = Trial(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
    try:
        trial.run()
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    for n, (name, fault) in enumerate(trial.results, 1):
        if fault:
            print("# " + fault.replace("\n", "\n# "))
        print(f"{'not ' if fault else ''}ok {n} - {name}")
    print(f"1..{len(trial.results)}")
    return 1 if any(fault for _, fault in trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
