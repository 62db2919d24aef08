"""What the trials of intents share: a node whose blocks they make themselves, a host that is started and killed again and
again, and the journal as anybody can read it.
"""
import contextlib
import http.client
import http.server
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import trials  # noqa: E402
from trials import Results, end, free_port, report, until  # noqa: E402, F401

CHAIN_ID = 31337
TARGET = "0x00000000000000000000000000000000000c0de5"
# stores[calldata[4:36]] += 1; stores[~0] += 1
COUNTER = "0x60043580546001019055600019546001016000195500"
TOTAL = "0x" + "f" * 64
PASS = "counting stones"
BLOCK_S = 0.15
CONFIRMATIONS = 3


class Node:
    """anvil, whose blocks this trial makes itself. States of blocks are kept in memory: those that anvil 1.7.1 has
    written to disk come back without the code of contracts when it reorganises, and a call then does nothing."""

    def __init__(self, program, folder):
        self.port, self.ids, self.lock = free_port(), 0, threading.Lock()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [str(program), "--port", str(self.port), "--chain-id", str(CHAIN_ID), "--no-mining", "--accounts", "1",
             "--balance", "1000000", "--prune-history", "500", "--silent"], stdout=open(folder / "anvil.log", "w"), stderr=subprocess.STDOUT)
        until(self.answers, 20)

    def answers(self):
        try:
            return self.call("eth_chainId")
        except OSError:
            return None

    def post(self, questions):
        """Answers of one request, in order."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with self.lock:
            first = self.ids + 1
            self.ids += len(questions)
        body = [{"jsonrpc": "2.0", "id": first + i, "method": method, "params": list(params)}
                for i, (method, *params) in enumerate(questions)]
        connection.request("POST", "/", json.dumps(body), {"content-type": "application/json"})
        answers = json.loads(connection.getresponse().read())
        connection.close()
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(f"{questions[0][0]}: {answer['error']}")
        return [answer["result"] for answer in sorted(answers, key=lambda a: a["id"])]

    def call(self, method, *params):
        return self.post([(method, *params)])[0]

    def storage(self, *slots):
        """What the counting contract has there."""
        found = []
        for at in range(0, len(slots), 500):
            found += self.post([("eth_getStorageAt", TARGET, slot, "latest") for slot in slots[at:at + 500]])
        counts = [int(value, 16) for value in found]
        return counts if len(counts) != 1 else counts[0]

    def blocks(self):
        """All blocks with their transactions."""
        head = int(self.call("eth_blockNumber"), 16)
        found = []
        for at in range(0, head + 1, 50):
            found += self.post([("eth_getBlockByNumber", hex(n), True) for n in range(at, min(at + 50, head + 1))])
        return found

    def stop(self):
        end(self.process)


class Proxy:
    """Before the node: a provider that loses receipts, or the state of old blocks, or tells a head that is a block
    behind what it counts, while it is told to."""

    def __init__(self, node):
        self.node, self.no_receipts, self.no_state, self.keeps = node, False, False, None  # blocks with state; None = all
        self.behind, self.late_s = False, 0  # answers to a transaction come so late
        self.lies = {}  # by block tag: what is added to each count of an account
        self.simulated, self.simulation_s = 0, 0  # questions to eth_simulateV1; how late each is answered
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
        self.simulated += method == "eth_simulateV1"
        if self.no_receipts and method == "eth_getTransactionReceipt":
            return json.dumps({**made, "result": None}).encode()
        if method == "eth_getTransactionCount" and params[1].startswith("0x") and (self.no_state or self.is_old(params[1])):
            error = {"code": -32000, "message": "missing trie node 7d2ef4 (path ) state is not available"}
            return json.dumps({**made, "error": error}).encode()
        if self.behind and method == "eth_getBlockByNumber" and params[0] == "latest":
            question["params"][0] = hex(int(self.node.call("eth_blockNumber"), 16) - 1)
            body = json.dumps(question).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=20)
        connection.request("POST", "/", body, {"content-type": "application/json"})
        answer = connection.getresponse().read()
        connection.close()
        if method == "eth_getTransactionCount" and params[1] in self.lies:
            count = int(json.loads(answer)["result"], 16) + self.lies[params[1]]
            answer = json.dumps({**made, "result": hex(count)}).encode()
        if method == "eth_sendRawTransaction":
            time.sleep(self.late_s)
        if method == "eth_simulateV1":
            time.sleep(self.simulation_s)
        return answer


class Host(trials.Host):
    """hawse, again and again."""

    def __init__(self, program, plugins, folder, config):
        super().__init__(program, plugins, folder, json.dumps(config, indent=1))


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
