#!/usr/bin/env python3
"""The shipped rules: each fires and resolves (promtool), and one goes the whole way: a plugin's alert, hawse's metrics, a
real Prometheus, a real Alertmanager, a webhook on loopback. Prints TAP.

    run.py HAWSE
"""
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import Results, free_port, until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHIPPED = ROOT / "packaging/prometheus"


class Webhook:
    """Who wakes people: keeps what it is told."""

    def __init__(self):
        told = self.told = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def alerts(self, status):
        return [a for message in self.told for a in message["alerts"] if a["status"] == status]


def check_files(r):
    for name, command in {"the rules are sound": ["promtool", "check", "rules", "hawse.rules.yml"],
                          "... and Prometheus' configuration": ["promtool", "check", "config", "prometheus.yml"],
                          "... and Alertmanager's": ["amtool", "check-config", "alertmanager.yml"]}.items():
        done = subprocess.run(command, cwd=SHIPPED, capture_output=True, text=True, timeout=20)
        r.check(name, done.returncode == 0, done.stdout + done.stderr)
    done = subprocess.run(["promtool", "test", "rules", "rules.test.yml"], cwd=HERE, capture_output=True, text=True, timeout=60)
    r.check("each alert fires and resolves, and flapping makes one", done.returncode == 0, done.stdout + done.stderr)
    rules = re.findall(r"alert: (\w+)", (SHIPPED / "hawse.rules.yml").read_text())
    tests = (HERE / "rules.test.yml").read_text()
    r.check("every alert has a test", rules and all(re.search(rf"alertname: {name}\b", tests) for name in rules), rules)


class Way:
    """The shipped files with this trial's ports, and times that fit in a trial."""

    def __init__(self, hawse, folder, webhook):
        self.hawse, self.folder, self.processes = hawse, folder, []
        ports = {"9187": free_port(), "9093": free_port(), "9199": webhook.port}
        for name in ("prometheus.yml", "alertmanager.yml", "hawse.rules.yml"):
            text = (SHIPPED / name).read_text()
            for old, new in ports.items():
                text = text.replace(f":{old}", f":{new}")
            text = re.sub(r"_interval: 15s", "_interval: 1s", text)
            text = re.sub(r"group_wait: \w+", "group_wait: 0s", re.sub(r"group_interval: \w+", "group_interval: 1s", text))
            (folder / name).write_text(text)
        (folder / "hawse.json").write_text(json.dumps({
            "hawse": 1, "state_dir": "state", "plugins": {"path": [str(folder)]}, "control": {"socket": "c.sock"},
            "http": {"listen": f"127.0.0.1:{ports['9187']}"}, "alerts": {"clear_ms": 1000},
            "instances": {"verbs": {"plugin": "org.test.verbs", "isolation": "none"}}}))
        self.start("hawse", hawse, "run", "hawse.json")
        self.start("alertmanager", "prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=am",
                   f"--web.listen-address=127.0.0.1:{ports['9093']}", "--cluster.listen-address=")
        self.start("prometheus", "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=db",
                   f"--web.listen-address=127.0.0.1:{free_port()}")

    def start(self, name, *command):
        log = open(self.folder / f"{name}.log", "w")
        self.processes.append(subprocess.Popen(list(map(str, command)), cwd=self.folder, stdout=log, stderr=log))

    def alert(self, what):
        done = subprocess.run([self.hawse, "call", "--socket", self.folder / "c.sock", "--json", "verbs", "alert", what, "fund_loss",
                               "severity=3"], capture_output=True, text=True, timeout=10)
        return done.stdout.strip() == "0"

    def end(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def said(self):
        return "".join(f"{p.name}:\n{p.read_text()[-800:]}\n" for p in self.folder.glob("*.log"))


def check_way(r, hawse, folder):
    webhook = Webhook()
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
                    ROOT / "sdk/include", ROOT / "tests/command/plugin.c", "-o", folder / "verbs.so"], check=True)
    way = Way(hawse, folder, webhook)
    try:
        r.check("a plugin raises an alert", until(lambda: way.alert("raise"), 10, 0.2), way.said())
        fired = until(lambda: webhook.alerts("firing"), 20, 0.1)
        wanted = {"alertname": "HawsePluginAlert", "instance": "verbs", "alert": "fund_loss", "severity": "critical", "host": "here"}
        r.check("... which reaches the webhook through Prometheus and Alertmanager", fired and wanted.items() <= fired[0]["labels"].items()
                and fired[0]["annotations"]["summary"] == "verbs on here: fund_loss", (fired, way.said()))
        for _ in range(5):  # within clear_ms
            way.alert("clear")
            way.alert("raise")
        way.alert("clear")
        r.check("... and its end, too", until(lambda: webhook.alerts("resolved"), 20, 0.1), way.said())
        r.check("one message of each, although it came and went", len({a["startsAt"] for a in webhook.alerts("firing")}) == 1
                and len(webhook.alerts("resolved")) == 1, webhook.told)
    finally:
        way.end()
        webhook.server.shutdown()


def main():
    missing = [name for name in ("promtool", "prometheus", "prometheus-alertmanager", "amtool") if not shutil.which(name)]
    if missing:
        print(f"1..0 # SKIP {', '.join(missing)}: not installed")
        return 0
    r = Results()
    check_files(r)
    with tempfile.TemporaryDirectory(prefix="hawse-prometheus-") as name:
        check_way(r, pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(name))
    return 1 if r.report() else 0


sys.exit(main())
