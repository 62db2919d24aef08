#!/usr/bin/env python3
"""The host against broken plugins: each is refused or contained with a message of its own, and the other
instances keep running. Most of it is `hawse check --host`, which is tried here on hosts that are broken as well; what
needs a feed, credentials or other commands beside it is below. Prints TAP.

    run.py BUILD [--only NAME]      BUILD is a build folder of meson
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import free_port, report  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CC = os.environ.get("CC", "cc")

# name: (what the log must say, {options})
CASES = {
    "FEATURES": (r"basic 1, unfinished 0, other 0 unknown", {
        "shows": {"basic": True, "unfinished": False}}),
    "FEATURES on": (r"basic 0, unfinished 1, other 0 unknown", {
        "features": {"basic": False, "unfinished": True}, "allow": "experimental",
        "shows": {"basic": False, "unfinished": True}}),
    "FEATURES misspelt": (r"features\.unfinishd: plugin org\.test\.victim has no such feature \| "
                          r"fix: did you mean \"unfinished\"\?", {"features": {"unfinishd": True}}),
    "UNKNOWN_KEYS": (r"manifest\.authr(.|\n)*manifest\.logo", {}),
    "UNGRANTED_RPC": (r"the call was denied, as it should be", {}),
    "UNGRANTED_HTTP": (r"every request was refused, as it should be", {}),
    "DENIED_SIGN": (r"every login was refused, as it should be", {"login": "sign:polymarket-l2"}),
    "UNGRANTED_SIGN": (r"credentials\.me is configured, but \"sign:polymarket-l2\" is not granted", {"login": None}),
}


class Trial:
    def __init__(self, hawse, plugins):
        self.hawse, self.plugins = hawse, plugins
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-hostile-"))
        self.port = free_port()
        self.feed = subprocess.Popen(
            [hawse, "feed", str(ROOT / "packaging/quickstart/gnosis-sample.ndjson"), "--speed", "60",
             "--listen", f"127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL)

    def close(self):
        self.feed.terminate()
        self.feed.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def build(self, case):
        out = self.folder / f"{case}.so"
        subprocess.run([CC, "-std=gnu11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-w",
                        f"-DCASE={case}", f"-I{ROOT}/sdk/include",
                        str(ROOT / "sdk/include/hawse/check/broken.c"), "-o", str(out)], check=True)
        return out

    def config(self, name, victim, options):
        url = f"127.0.0.1:{self.port}"
        config = {
            "hawse": 1,
            "plugins": {"path": [str(self.plugins)], "isolation": "asked"},
            "state_dir": str(self.folder / f"state-{name}"),
            "control": {"socket": str(self.folder / "c.sock")},
            "stop_deadline_ms": 500,
            "instances": {
                "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"],
                          "endpoints": {"ws": f"ws://{url}", "http": f"http://{url}"}},
                "bystander": {"plugin": "org.hawse.ticker", "links": {"chain": "chain"}},
                "victim": {"plugin": str(victim), "links": {"chain": "chain"},
                           "grants": ["net", "http"],
                           "features": options.get("features", {}),
                           "allow": options.get("allow", "stable"),
                           "budget": {"hang_ms": 300}},
            },
        }
        if "login" in options:
            self.add_login(config["instances"]["victim"], url, options["login"])
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config))
        return path

    def add_login(self, victim, url, grant):
        """A credential for one of its endpoints, and the grant to use it, or none."""
        secret = self.folder / "secret"
        secret.write_text("c2VjcmV0")
        secret.chmod(0o600)
        victim["endpoints"] = {"clob": f"http://{url}", "other": f"http://{url}", "stream": f"ws://{url}"}
        victim["credentials"] = {"me": {"schema": "polymarket-l2", "endpoints": ["clob"], "values": {
            "address": "0x" + "11" * 20, "api_key": "key-id", "secret": f"file:{secret}",
            "passphrase": f"file:{secret}"}}}
        victim["grants"] += [grant] if grant else []

    def status(self):
        done = subprocess.run([self.hawse, "status", "--json", "--socket",
                               str(self.folder / "c.sock")], capture_output=True, text=True)
        try:
            return {i["id"]: i for i in json.loads(done.stdout)["instances"]}
        except (ValueError, KeyError):
            return {}

    def explain(self, name):
        prefix = "instances.victim.features"
        done = subprocess.run([self.hawse, "config", "explain", str(self.folder / f"{name}.json"), prefix, "--json"],
                              capture_output=True, text=True)
        return {row["path"].removeprefix(prefix + "."): row["value"] for row in json.loads(done.stdout)}

    def run(self, name, victim, pattern, options):
        """Returns None when all is as it should be, else what is not."""
        seconds = options.get("seconds", 1.8)
        log_path = self.folder / f"{name}.log"
        with open(log_path, "w", encoding="utf-8") as log:
            process = subprocess.Popen([self.hawse, "run", str(self.config(name, victim, options))],
                                       stderr=log, stdout=subprocess.DEVNULL)
            try:
                return self.watch(process, log_path, pattern, options, seconds)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()

    def watch(self, process, log_path, pattern, options, seconds):
        expected = re.compile(pattern)
        until = time.monotonic() + seconds
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.1)
        text = log_path.read_text(errors="replace")
        if process.poll() is not None:
            return f"the host ended with {process.poll()}: {text[-400:]}"
        before = self.status().get("bystander", {}).get("events_in", 0)
        shown = self.status().get("victim", {}).get("features")
        if "shows" in options and shown != options["shows"]:
            return f"status shows the features {shown}"
        explained = self.explain(log_path.stem) if "shows" in options else None
        if explained != options.get("shows"):
            return f"config explain shows the features {explained}"
        time.sleep(0.7)
        after = self.status().get("bystander", {}).get("events_in", 0)
        if after <= before:
            return f"the other instance stands still at {after} events: {text[-400:]}"
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=5)
        if code != options.get("exit", 0):
            return f"the host stopped with {code}"
        text = log_path.read_text(errors="replace")
        return None if expected.search(text) else f"no /{pattern}/ in: {text[-600:]}"


def configurations(trial):
    """Broken configurations: refused before anything runs, with the path and the fix."""
    good = json.loads(trial.config("base", "org.hawse.ticker", {}).read_text())

    def change(path, value):
        config = json.loads(json.dumps(good))
        at = config
        *front, last = path
        for word in front:
            at = at[word]
        if value is None:
            at.pop(last)
        else:
            at[last] = value
        return json.dumps(config)

    chain = ["instances", "chain"]
    return {
        "not JSON": ("{\"hawse\": 1,}", r":1:\d+: "),
        "unknown key": (change(["instancs"], {}), r"instancs.*did you mean \"instances\""),
        "wrong type": (change(["stop_deadline_ms"], "soon"), r"stop_deadline_ms: found \"soon\""),
        "wrong mode": (change(chain + ["mode"], "life"), r"mode.*did you mean \"live\""),
        "no version": (change(["hawse"], None), r"hawse: is missing"),
        "link to nobody": (change(["instances", "bystander", "links"], {"chain": "chian"}),
                           r"no instance \"chian\".*did you mean \"chain\""),
        "circle": (change(chain + ["links"], {"x": "bystander"}), r"circle"),
        "unset variable": (change(chain + ["endpoints", "ws"], "wss://x/${HAWSE_NOT_SET}"),
                           r"HAWSE_NOT_SET is not set"),
        "secret in settings": (change(chain + ["settings"], {"k": "${HOME}"}),
                               r"settings reach the plugin"),
        "plain text abroad": (change(chain + ["endpoints", "ws"], "ws://example.com/"),
                              r"without TLS"),
        "bad port": (change(chain + ["endpoints", "ws"], "ws://127.0.0.1:99999/"), r"port"),
    }


def warnings(trial):
    """Unknown keys of a manifest are told wherever a file is looked at, and refuse nothing."""
    victim = trial.build("UNKNOWN_KEYS")
    path = trial.config("warnings", victim, {})
    for words in (("config", "check", str(path)), ("config", "check", "--json", str(path)),
                  ("plugins", "--path", str(victim.parent)), ("plugins", "--json", "--path", str(victim.parent))):
        done = subprocess.run([trial.hawse, *words], capture_output=True, text=True, timeout=10)
        text = done.stdout + done.stderr
        if "manifest.authr" not in text or "manifest.logo" not in text:
            return f"hawse {' '.join(words)} does not tell of them: {text}"
        if words[0] == "config" and done.returncode != 0:
            return f"hawse {' '.join(words)} ended with {done.returncode}: {text}"
    return None


def check_config(trial, name, text, pattern):
    path = trial.folder / "bad.json"
    path.write_text(text)
    done = subprocess.run([trial.hawse, "config", "check", str(path)], capture_output=True,
                          text=True, timeout=10)
    if done.returncode != 2:
        return f"exit code {done.returncode}, expected 2: {done.stderr}"
    flat = " ".join(done.stderr.split())
    return None if re.search(pattern, flat) else f"no /{pattern}/ in: {flat}"


def kit(build):
    """`hawse check --host`, both levels at the same time; (case, None or what is wrong) of each."""
    env = {**os.environ, "PKG_CONFIG_PATH": str(build / "meson-uninstalled")}
    hawse = build / "core/hawse"
    runs = [subprocess.Popen([hawse, "check", "--host", "--json", "--case", level], env=env, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE) for level in ("L8", "L9")]
    results = []
    for run in runs:
        out, err = run.communicate(timeout=300)
        cases = json.loads(out)["cases"] if out else []
        results += [(f"{c['case']} {c['name']}", c["text"] if c["verdict"] != "pass" else None) for c in cases]
        if not cases:
            results.append(("check --host", err))
    results.append((f"check --host has {len(results)} cases, at least 30", None if len(results) >= 30 else "too few"))
    return results + broken_hosts(hawse, env)


def broken_hosts(hawse, env):
    """Hosts that are not as they should be do not pass: (a shell's words around a good one, the case, what it says)."""
    hosts = {
        "says nothing of a culprit": ('exec "$HAWSE" "$@" 2>/dev/null', "801", "fail", "no line that names the culprit"),
        "ends at the first broken plugin": ('[ "$1" != run ] || exit 1; exec "$HAWSE" "$@"', "801", "crash", "exit code 1"),
        "lives on in the memory of a crash": ('[ "$1" != run ] || exec sleep 20; exec "$HAWSE" "$@"', "903", "fail",
                                              "did not end with an error"),
        "does not stop when asked": ('trap "" TERM; [ "$1" != run ] || { "$HAWSE" "$@"; sleep 20; exit 0; }; exec "$HAWSE" "$@"',
                                     "906", "fail", "did not stop within|ended with"),
    }
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (words, case, verdict, text) in hosts.items():
            program = pathlib.Path(folder) / "host"
            program.write_text(f"#!/bin/sh\nHAWSE={hawse}\n{words}\n")
            program.chmod(0o755)
            done = subprocess.run([hawse, "check", "--host", program, "--case", case, "--json"], env=env, text=True,
                                  capture_output=True, timeout=60)
            found = json.loads(done.stdout)["cases"][0] if done.stdout else {"verdict": None, "text": done.stderr}
            good = done.returncode == 1 and found["verdict"] == verdict and re.search(text, found["text"])
            results.append((f"a host that {name} does not pass", None if good else f"{done.returncode} {found}"))
    for words, text in ((["/nowhere/hawse"], "expected a regular file"), (["/bin/true", "--case", "801"], "cannot be|did not answer|no line|stands still|ended")):
        done = subprocess.run([hawse, "check", "--host", *words], env=env, text=True, capture_output=True, timeout=60)
        good = done.returncode != 0 and re.search(text, done.stdout + done.stderr)
        results.append((f"{words[0]} is no host", None if good else f"{done.returncode} {done.stdout}{done.stderr}"))
    return results


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    only = sys.argv[3] if len(sys.argv) > 3 else None
    trial = Trial(build / "core/hawse", build / "plugins")
    results = []
    try:
        time.sleep(0.4)
        for case, (pattern, options) in CASES.items():
            if only in (None, case):
                results.append((case, trial.run(case, trial.build(case.split()[0]), pattern, options)))
        if only in (None, "warnings"):
            results.append(("warnings", warnings(trial)))
        if only in (None, "kit"):
            results += kit(build)
        for name, (text, pattern) in configurations(trial).items():
            if only in (None, name):
                results.append((f"configuration: {name}", check_config(trial, name, text, pattern)))
    finally:
        trial.close()
    return 1 if report([(f"hostile: {name}", fault or None) for name, fault in results]) else 0


if __name__ == "__main__":
    sys.exit(main())
