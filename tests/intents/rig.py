"""What the trials of intents share: a node whose blocks they make themselves, a host that is started and killed again and
again, and the journal as anybody can read it.
"""
import contextlib
import http.client
import http.server
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time

CHAIN_ID = 31337
TARGET = "0x00000000000000000000000000000000000c0de5"
# stores[calldata[4:36]] += 1; stores[~0] += 1
COUNTER = "0x60043580546001019055600019546001016000195500"
TOTAL = "0x" + "f" * 64
PASS = "counting stones"
BLOCK_S = 0.15
CONFIRMATIONS = 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Node:
    """anvil, whose blocks this trial makes itself."""

    def __init__(self, program, folder):
        self.port, self.ids, self.lock = free_port(), 0, threading.Lock()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [str(program), "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--no-mining", "--accounts", "1",
             "--balance", "1000000", "--silent"], stdout=open(folder / "anvil.log", "w"), stderr=subprocess.STDOUT)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.call("eth_chainId")
                break
            except OSError:
                time.sleep(0.05)

    def call(self, method, *params):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with self.lock:
            self.ids += 1
            number = self.ids
        connection.request("POST", "/", json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                                                    "params": list(params)}), {"content-type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def storage(self, slot):
        return int(self.call("eth_getStorageAt", TARGET, slot, "latest"), 16)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Proxy:
    """Before the node: a provider that loses receipts, or the state of old blocks, while it is told to."""

    def __init__(self, node):
        self.node, self.no_receipts, self.no_state, self.keeps = node, False, False, None  # blocks with state; None = all
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize = "HTTP/1.1", -1

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = proxy.answer(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def is_old(self, block):
        return self.keeps is not None and int(block, 16) < int(self.node.call("eth_blockNumber"), 16) - self.keeps

    def answer(self, body):
        question = json.loads(body)
        method, params = question["method"], question["params"]
        made = {"jsonrpc": "2.0", "id": question["id"]}
        if self.no_receipts and method == "eth_getTransactionReceipt":
            return json.dumps({**made, "result": None}).encode()
        if method == "eth_getTransactionCount" and params[1].startswith("0x") and (self.no_state or self.is_old(params[1])):
            error = {"code": -32000, "message": "missing trie node 7d2ef4 (path ) state is not available"}
            return json.dumps({**made, "error": error}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=20)
        connection.request("POST", "/", body, {"content-type": "application/json"})
        answer = connection.getresponse().read()
        connection.close()
        return answer


class Host:
    """hawse, again and again."""

    def __init__(self, program, plugins, folder, config):
        self.command = [str(program), "run", str(folder / "hawse.json")]
        self.env = {**os.environ, "HAWSE_PLUGIN_PATH": str(plugins)}
        self.folder, self.process, self.starts = folder, None, 0
        (folder / "hawse.json").write_text(json.dumps(config, indent=1))

    def start(self):
        self.starts += 1
        self.log = open(self.folder / f"host-{self.starts}.log", "w")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=subprocess.STDOUT, env=self.env,
                                        cwd=self.folder)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it had to be killed"

    def logs(self):
        return [(self.folder / f"host-{n + 1}.log").read_text(errors="replace") for n in range(self.starts)]


def make_key(hawse, folder, name):
    """A new key, as an operator makes one; its address."""
    password = folder / "pass"
    if not password.exists():
        password.write_text(PASS + "\n")
        password.chmod(0o600)
    done = subprocess.run([str(hawse), "keys", "new", name, "--dir", str(folder / "keys"), "--cost", "interactive",
                           "--passphrase-file", str(password), "--testnet-only", "--json"],
                          capture_output=True, text=True, timeout=60)
    address = re.search(r"0x[0-9a-fA-F]{40}", done.stdout + done.stderr)
    if not address:
        raise RuntimeError(done.stdout + done.stderr)
    return address.group(0)


def journal(folder):
    return contextlib.closing(sqlite3.connect(f"file:{folder / 'state/journal.db'}?mode=ro", uri=True, timeout=10))


def report(results, notes=()):
    """TAP; the number of failures."""
    for note in notes:
        print(f"# {note}")
    failed = 0
    for number, (name, why) in enumerate(results, 1):
        failed += why is not None
        for line in (why or "").splitlines():
            print(f"# {line}")
        print(f"{'ok' if why is None else 'not ok'} {number} - {name}")
    print(f"1..{len(results)}")
    return failed
