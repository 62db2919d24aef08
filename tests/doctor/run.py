#!/usr/bin/env python3
"""`hawse doctor` beside nodes that are ill in ways that are known: each illness is found, named and has its advice; a
healthy one has none. The nodes are made up here, answer by answer; the real one (anvil) is asked when its program is given.
Prints TAP.

    run.py HAWSE PLUGIN_DIR [ANVIL]
"""
import http.server
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import report  # noqa: E402

SECRET = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
RESULTS = {"eth_chainId": "0x64", "web3_clientVersion": "made-up/1", "eth_feeHistory": {}, "eth_simulateV1": [],
           "eth_getTransactionCount": "0x0", "eth_getTransactionReceipt": None, "eth_getLogs": [], "debug_traceCall": {}}
UNKNOWN = {"code": -32601, "message": "the method does not exist/is not available"}
# name: what the node does otherwise, (level, what, fix) that must be found of it
UNSIGNED = {"code": -32600, "message": "error, no signature provided"}
ILLNESSES = {
    "well": ({}, []),
    "other": ({"eth_chainId": "0x89"}, [("bad", r"speaks for chain 137, expected 100", r"chain_id should be 137")]),
    "behind": ({"age": 900}, [("warn", r"newest block \d+ is 9\d\d s old", r"the node is behind")]),
    "future": ({"age": -300}, [("warn", r"is \d+ s in the future", r"clock is behind")]),
    "lagging": ({"head": 9000}, [("warn", r"is 11000 blocks behind the others", r"lower priority")]),
    "poor": ({"eth_feeHistory": UNKNOWN}, [("bad", r"no eth_feeHistory: fees", r"provider")]),
    "plain": ({"eth_simulateV1": UNKNOWN, "debug_traceCall": UNKNOWN},
              [("note", r"no eth_simulateV1", ""), ("note", r"no debug_traceCall", "")]),
    "narrow": ({"range": 600}, [("note", r"gives logs of 500 blocks at once", "")]),
    "locked": ({"status": 401, "body": "{\"error\": \"invalid project id " + SECRET + "\"}"},
               [("bad", r"refuses us \(AUTH\): HTTP 401", r"refuses our key")]),
    "limited": ({"status": 429, "body": "{}"}, [("bad", r"refuses us \(RATE_LIMITED\): HTTP 429", r"pause")]),
    "page": ({"status": 200, "body": "<html>welcome</html>"}, [("bad", r"speaks no Ethereum JSON-RPC", r"URL")]),
    "slow": ({"wait": 0.6}, [("warn", r"answers within 6\d\d\.\d ms", r"nearer")]),
}


RELAYS = {"relay": {"eth_sendPrivateTransaction": UNSIGNED, "status": 403}, "norelay": {}, "oldrelay": {"status": 404, "body": "{}"}}


class Node(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece

    def log_message(self, *_):
        pass

    def result(self, method, params, ill):
        head = ill.get("head", 20000)
        if method == "eth_blockNumber":
            return hex(head)
        if method == "eth_getBlockByNumber":
            return {"number": hex(head), "timestamp": hex(int(time.time()) - ill.get("age", 1)), "transactions": []}
        if method == "eth_getLogs" and params[0]["fromBlock"] != "latest":
            asked = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16)
            if asked > ill.get("range", 10000):
                return {"code": -32005, "message": "query exceeds max block range"}
        return ill.get(method, RESULTS.get(method, UNKNOWN))

    def do_POST(self):
        name = self.path.split("/")[1]
        ill = RELAYS[name] if name in RELAYS else ILLNESSES[name][0]
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        time.sleep(ill.get("wait", 0) if question["method"] == "eth_chainId" else 0)
        result = self.result(question["method"], question["params"], ill)
        kind = "error" if isinstance(result, dict) and "code" in result else "result"
        body = ill.get("body") or json.dumps({"jsonrpc": "2.0", "id": question["id"], kind: result})
        self.send_response(ill.get("status", 200))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
        self.wfile.flush()


def serve(folder=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Node)
    if folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", folder / "key", "-out", folder / "cert", "-days", "5", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert", folder / "key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Trial:
    def __init__(self, hawse, plugins):
        self.hawse, self.plugins, self.results = hawse, plugins, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-doctor-"))
        self.port, self.tls = serve(), serve(self.folder)

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else f"{detail}"[:1500]))

    def doctor(self, chains=None, instances=None, *words):
        path = self.folder / "config.json"
        path.write_text(json.dumps({"hawse": 1, "plugins": {"path": [str(self.plugins)]}, "state_dir": str(self.folder),
                                    "chains": chains or {}, "instances": instances or {}}))
        return subprocess.run([self.hawse, "doctor", str(path), *words], capture_output=True, text=True, timeout=60)

    def chain(self, *providers, scheme="http", port=None, **more):
        return {"c": {"chain_id": 100, "block_ms": 5000, "providers": [
            {"name": p, "http": {"url": f"{scheme}://127.0.0.1:{port or self.port}/{p}/{SECRET}", **more}} for p in providers]}}

    def illnesses(self):
        for name, (_, wanted) in ILLNESSES.items():
            done = self.doctor(self.chain(*{"well", name}), None, "--json")
            found = [f for f in json.loads(done.stdout) if f["where"] == f"chains.c.providers.{name}"]
            missing = [w for w in wanted if not any(
                f["level"] == w[0] and re.search(w[1], f["what"]) and re.search(w[2], f["fix"]) for f in found)]
            wrong = [f for f in found if f["level"] in ("warn", "bad")] if len(wanted) < len(
                [f for f in found if f["level"] in ("warn", "bad")]) else []
            bad = any(f["level"] == "bad" for f in found)
            self.check(f"{name}: is found and named" if wanted else "a healthy node has nothing to mend",
                       found and not missing and not wrong and done.returncode == int(bad), f"{missing} {wrong} {found}")
            self.check(f"{name}: no secret is told", SECRET not in done.stdout + done.stderr, done.stdout)

    def alone(self):
        done = self.doctor(self.chain("well"))
        self.check("one provider alone is a risk, in words", "has one provider that answers" in done.stdout
                   and done.returncode == 0, done.stdout)
        self.check("providers that allow too little for intents are told", re.search(
            r"good chains\.c: its providers allow 5 units a second.*: 5\.0 s", done.stdout), done.stdout)
        done = self.doctor({"c": {**self.chain("well")["c"], "providers": [{"name": "gone", "http": "http://127.0.0.1:1/"}]}})
        self.check("an address where nobody listens", done.returncode == 1 and "does not answer: Failed to connect" in
                   done.stdout and "has no provider that answers" in done.stdout, done.stdout)

    def relays(self):
        def ask(name, **more):
            chains = self.chain("well", "narrow")
            chains["c"]["tx"] = {"relay": f"http://127.0.0.1:{self.port}/{name}/{SECRET}", "relay_form": "raw",
                                 "relay_method": "eth_sendPrivateTransaction", **more}
            done = self.doctor(chains, None, "--json")
            return [f for f in json.loads(done.stdout) if f["where"] == "chains.c.tx.relay"], done
        found, done = ask("relay")
        self.check("a relay that refuses nothing, unsigned, is well", [f["level"] for f in found][-1] == "good"
                   and "refuses an empty eth_sendPrivateTransaction" in found[-1]["what"] and SECRET not in done.stdout, found)
        found, done = ask("norelay")
        self.check("a relay without that method", found[-1]["level"] == "bad" and done.returncode == 1
                   and "takes no eth_sendPrivateTransaction" in found[-1]["what"], found)
        found, done = ask("oldrelay")
        self.check("a relay at another path", found[-1]["level"] == "warn" and "HTTP 404" in found[-1]["what"], found)
        found, done = ask("relay", relay="http://127.0.0.1:1/")
        self.check("a relay where nobody listens", found[-1]["level"] == "bad" and "does not answer" in found[-1]["what"],
                   found)

    def certificates(self):
        done = self.doctor(self.chain("well", scheme="https", port=self.tls))
        self.check("a certificate that nobody knows", done.returncode == 1 and "certificate is not believed" in done.stdout
                   and "set ca_file" in done.stdout, done.stdout)
        done = self.doctor(self.chain("well", scheme="https", port=self.tls, ca_file=str(self.folder / "cert")))
        self.check("a certificate that ends soon", done.returncode == 0 and re.search(r"ends in [345] days", done.stdout),
                   done.stdout)

    def streams(self, samples):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        feed = subprocess.Popen([self.hawse, "feed", str(samples / "gnosis-sample.ndjson"), "--speed", "20", "--listen",
                                 f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
        time.sleep(0.4)
        both = {"ws": f"ws://127.0.0.1:{port}", "http": f"http://127.0.0.1:{port}"}
        instance = {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"]}
        try:
            done = self.doctor(None, {"i": {**instance, "endpoints": both}})
            self.check("a stream opens, takes a subscription and sends news", re.search(
                r"good instances\.i\.endpoints\.ws: opens within \d+ ms, answers within [\d.]+, first news after", done.stdout),
                done.stdout)
            done = self.doctor(None, {"i": {**instance, "endpoints": {"ws": f"ws://127.0.0.1:{self.port}/well"}}})
            self.check("a stream where none is", done.returncode == 1 and "endpoints.ws: does not open" in done.stdout,
                       done.stdout)
        finally:
            feed.terminate()
            feed.wait()

    def machine(self):
        done = self.doctor()
        self.check("plugin files and the state folder are looked at", re.search(r"good plugin_path: \d+ plugin files", done.stdout)
                   and re.search(rf"{re.escape(str(self.folder))}: \d+ MiB free", done.stdout), done.stdout)
        self.folder.chmod(0o755)
        done = self.doctor()
        self.check("a state folder that others may look into", "fix: chmod 700" in done.stdout, done.stdout)
        self.folder.chmod(0o700)

    def node(self, anvil):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        node = subprocess.Popen([anvil, "--port", str(port), "--chain-id", "100", "--block-time", "1"],
                                stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until and socket.socket().connect_ex(("127.0.0.1", port)) != 0:
                time.sleep(0.1)
            provider = {"name": "real", "http": f"http://127.0.0.1:{port}"}
            done = self.doctor({"c": {"chain_id": 100, "block_ms": 1000, "providers": [provider]}})
            self.check("a real node has every method", "has every method that hawse asks for" in done.stdout, done.stdout)
        finally:
            node.terminate()
            node.wait()


def main():
    trial = Trial(*(pathlib.Path(p).resolve() for p in sys.argv[1:3]))
    try:
        trial.illnesses()
        trial.alone()
        trial.relays()
        trial.certificates()
        trial.streams(pathlib.Path(__file__).resolve().parents[2] / "packaging/quickstart")
        trial.machine()
        if len(sys.argv) > 3:
            trial.node(sys.argv[3])
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return 1 if report(trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
