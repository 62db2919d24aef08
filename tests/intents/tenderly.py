#!/usr/bin/env python3
"""A fake of Tenderly's simulation API, since the real one needs an account, and a host that is told to ask it: what it is
asked, what its answers lead to, what happens without them, and that its access key shows nowhere. The fake knows requests
as the API's pages have them, and answers by what a real node says. Prints TAP.

    tenderly.py HAWSE PLUGIN_DIR ANVIL
"""
import http.server
import json
import os
import pathlib
import shutil
import sys
import threading
import time

from rig import COUNTER, TARGET, Host, journal, make_key, report
from troubles import FAILS, STEPS, Troubles, hit

KEY = "tenderly-key-8d1f0c77aa"
ASKED = {"network_id": str, "from": str, "to": str, "input": str, "gas": int, "value": str, "block_number": int,
         "save": bool, "save_if_fails": bool, "simulation_type": str}


class Fake:
    def __init__(self, node):
        self.node, self.requests, self.bad, self.down = node, [], [], False
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version, wbufsize = "HTTP/1.1", -1

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = fake.answer(self.path, self.headers.get("X-Access-Key"), body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                self.wfile.flush()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/v1/account/a/project/p"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, key, body):
        if self.down:
            return 503, {"error": {"slug": "unavailable", "message": "try again"}}
        if key != KEY:
            return 401, {"error": {"slug": "unauthorized", "message": "no such key"}}
        self.requests.append(path)
        if path == "/api/v1/account/a/project/p/simulate":
            return 200, self.one(body)
        if path == "/api/v1/account/a/project/p/simulate-bundle":
            return 200, {"simulation_results": [self.one(s) for s in body["simulations"]]}
        return 404, {"error": {"slug": "not_found", "message": path}}

    def one(self, s):
        self.bad += [f"{k}: {s.get(k)!r}" for k, kind in ASKED.items() if not isinstance(s.get(k), kind)]
        call = {"from": s["from"], "to": s["to"], "input": s["input"], "value": hex(int(s["value"]))}
        moved = {"asset_changes": None, "logs": [], "call_trace": {}, "state_diff": []}
        try:
            gas = int(self.node.call("eth_estimateGas", call), 16)
            return {"transaction": {"status": True, "gas_used": gas, "error_message": "", "transaction_info": moved},
                    "simulation": {"id": "s", "status": True}}
        except RuntimeError:
            return {"transaction": {"status": False, "gas_used": s["gas"], "error_message": "invalid opcode: INVALID",
                                    "transaction_info": moved}, "simulation": {"id": "s", "status": False}}


class Trial(Troubles):
    def config(self):
        config = super().config()
        config["chains"]["local"]["tx"].update(
            simulation_engines=["tenderly", "eth_simulateV1"],
            tenderly={"url": self.fake.url, "headers": {"X-Access-Key": "${TENDERLY_KEY}"}})
        return config

    def told(self, name):
        """What the journal says of its simulation."""
        return [row[2] for row in self.steps(name) if STEPS[row[0]] == "SIMULATED"]

    def asked(self):
        self.send("asked", [{"to": TARGET, "data": hit(1)}])
        words = self.until("asked", "CONFIRMED")
        self.check("what Tenderly simulated is signed", words[-1] == "CONFIRMED" and self.count(1) == 1
                   and "tenderly" in self.told("asked")[0] and self.fake.requests, (words, self.told("asked")))
        self.check("every field has the type that its API wants", not self.fake.bad, self.fake.bad[:5])

    def bundled(self):
        self.send("bundled", [{"to": TARGET, "data": hit(2)}, {"to": TARGET, "data": hit(3)}])
        words = self.until("bundled", "CONFIRMED")
        self.check("several calls are one bundle", words[-1] == "CONFIRMED" and self.count(3) == 1
                   and any(path.endswith("-bundle") for path in self.fake.requests), (words, self.fake.requests))

    def refused(self):
        self.send("refused", [{"to": FAILS, "data": hit(4)}])
        self.until("refused", "REFUSED")
        last = self.steps("refused")[-1]
        self.check("status 200 with status false is a revert, with its words", STEPS[last[0]] == "REFUSED"
                   and "invalid opcode" in json.loads(last[2])["reason"], last)

    def away(self):
        self.fake.down = True
        self.send("away", [{"to": TARGET, "data": hit(5)}])
        words = self.until("away", "CONFIRMED")
        self.check("when it is away the next engine is asked", words[-1] == "CONFIRMED" and self.count(5) == 1
                   and "eth_simulateV1" in self.told("away")[0], (words, self.told("away")))

    def bound(self):
        """What was signed names its simulation, which is in the journal with all that its token is made of."""
        with journal(self.folder) as db:
            signed = {row[0] for row in db.execute("select simulation from attempt")}
        told = [json.loads(data)["figures"] for name in ("asked", "bundled", "away") for data in self.told(name)]
        tokens = {figures["token"][2:] for figures in told}
        self.check("each signature names the simulation of its bytes", signed and signed <= tokens
                   and all(figures["success"] and figures["calls"] for figures in told), (signed, tokens))

    def silent(self):
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        where = [str(p) for p in files if KEY.encode() in p.read_bytes()]
        self.check("its access key is in no log, journal or state", not where, where)

    def main(self):
        os.environ["TENDERLY_KEY"] = KEY
        self.fake = Fake(self.node)
        try:
            self.node.call("anvil_setCode", TARGET, COUNTER)
            self.node.call("anvil_setCode", FAILS, "0xfe")
            self.addresses = {"bot": make_key(self.hawse, self.folder, "bot")}
            self.node.call("anvil_setBalance", self.addresses["bot"], hex(10 ** 21))
            self.mine(2)
            self.host = Host(self.hawse, self.plugins, self.folder, self.config())
            self.host.start()
            time.sleep(0.5)
            for trial in (self.asked, self.bundled, self.refused, self.away, self.bound, self.silent):
                trial()
            self.check("the host stops cleanly", self.host.stop() == 0, self.host.logs()[-1])
        finally:
            if self.host and self.host.process and self.host.process.poll() is None:
                self.host.kill()
            self.node.stop()
        failed = report(self.results)
        shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(Trial(*(pathlib.Path(p).resolve() for p in sys.argv[1:4])).main())
