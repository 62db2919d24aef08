#!/usr/bin/env python3
"""The host against broken plugins: each is refused or contained with a message of its own, and the other
instances keep running. Builds every plugin from plugin.c, runs the host beside a feed, prints TAP.

    run.py HAWSE PLUGIN_DIR [--only NAME]
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
#   good: False = the whole process is expected to end (a crash in process)
CASES = {
    "NO_ENTRY": (r"expected an exported function hawse_plugin_v1", {}),
    "NO_MANIFEST": (r"expected an exported text hawse_manifest_v1", {}),
    "THIRD_EXPORT": (r"expected 2 exported symbols, found 3, among them third_export", {}),
    "OTHER_MAJOR": (r"speaks ABI 2\.0, this host 1\.0", {}),
    "SHORT_TABLE": (r"its table has 24 bytes", {}),
    "NULL_CALLBACK": (r"its table has no on_events function", {}),
    "OTHER_ID": (r"its table says id \"org\.test\.somebody-else\"", {}),
    "BAD_JSON": (r"manifest: not JSON", {}),
    "BAD_KIND": (r"kind: found \"venu\".*did you mean \"venue\"", {}),
    "UNMET_REQUIRES": (r"requires hawse\.teleport/1, which this host does not have", {}),
    "CTOR_ABORT": (r"crashed with signal 6.*first loaded", {}),
    "CTOR_EXIT": (r"ended the process with exit code 3", {}),
    "CTOR_LOOP": (r"did not come back within 5000 ms", {"seconds": 8}),
    "ENTRY_NULL": (r"hawse_plugin_v1 returned NULL", {}),
    "ENTRY_CRASH": (r"crashed with signal 11", {}),
    "EXPERIMENTAL": (r"is experimental; this instance accepts nothing below stable", {}),
    "UNFINISHED": (r"features\.unfinished is experimental", {"features": {"unfinished": True}}),
    "FEATURES": (r"basic 1, unfinished 0, other 0 unknown", {
        "shows": {"basic": True, "unfinished": False}}),
    "FEATURES on": (r"basic 0, unfinished 1, other 0 unknown", {
        "features": {"basic": False, "unfinished": True}, "allow": "experimental",
        "shows": {"basic": False, "unfinished": True}}),
    "FEATURES misspelt": (r"features\.unfinishd: plugin org\.test\.victim has no such feature \| "
                          r"fix: did you mean \"unfinished\"\?", {"features": {"unfinishd": True}}),
    "UNKNOWN_KEYS": (r"manifest\.authr(.|\n)*manifest\.logo", {}),
    "CREATE_FAILS": (r"the moon is in the wrong phase", {}),
    "CREATE_LOOP": (r"create has not returned", {"hang": True}),
    "EVENTS_CRASH": (r"crash: signal 11 in plugin org\.test\.victim .* callback on_events",
                     {"good": False}),
    "EVENTS_LOOP": (r"on_events has not returned for", {"hang": True}),
    "EVENTS_SLOW": (r"throttled for", {}),
    "EVENTS_NEGATIVE": (r"I give up", {}),
    "EVENTS_TOO_MANY": (r"claims to have taken", {}),
    "PUBLISH_FOREIGN": (r"publish was refused, as it should be", {}),
    "PUBLISH_SHORT": (r"publish was refused, as it should be", {}),
    "FLOOD": (r"", {}),
    "LOG_FLOOD": (r"lines (of this plugin )?were left out", {}),
    "UNGRANTED_URL": (r"may not open a stream to wss://evil\.example", {}),
    "UNGRANTED_RPC": (r"the call was denied, as it should be", {}),
    "UNGRANTED_HTTP": (r"every request was refused, as it should be", {}),
    "DENIED_SIGN": (r"every login was refused, as it should be", {"login": "sign:polymarket-l2"}),
    "UNGRANTED_SIGN": (r"credentials\.me is configured, but \"sign:polymarket-l2\" is not granted", {"login": None}),
    "STALE_HANDLES": (r"stale handles are told as stale", {}),
    "FOREIGN_HANDLE": (r"another's handle is of no use", {}),
    "NEVER_STOPS": (r"did not finish its stop before the deadline", {"exit": 3}),
}

# files that are no plugins at all, and configurations that are none
FILES = {
    "truncated": (lambda good: good[: len(good) // 2], r"truncated|reaches? beyond the file"),
    "not ELF": (lambda good: b"hello, I am a plugin\n" * 100, r"expected the ELF magic number"),
    "other machine": (lambda good: good[:18] + b"\x08\x00" + good[20:],
                      r"built for another machine"),
    "32 bit": (lambda good: good[:4] + b"\x01" + good[5:], r"expected a 64-bit"),
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
        subprocess.run([CC, "-std=c11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-w",
                        f"-DCASE={case}", f"-I{ROOT}/sdk/include", str(HERE / "plugin.c"), "-o",
                        str(out)], check=True)
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
        good = options.get("good", True)
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.1)
        text = log_path.read_text(errors="replace")
        if not good:
            if process.poll() in (None, 0):
                return "the process did not end with an error"
        elif process.poll() is not None:
            return f"the host ended with {process.poll()}: {text[-400:]}"
        else:
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


def main():
    hawse, plugins = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    only = sys.argv[4] if len(sys.argv) > 4 else None
    trial = Trial(hawse, plugins)
    results = []
    try:
        time.sleep(0.4)
        for case, (pattern, options) in CASES.items():
            if only in (None, case):
                results.append((case, trial.run(case, trial.build(case.split()[0]), pattern, options)))
        if only in (None, "warnings"):
            results.append(("warnings", warnings(trial)))
        good = trial.build("GOOD").read_bytes()
        for name, (change, pattern) in FILES.items():
            if only not in (None, name):
                continue
            path = trial.folder / "file.so"
            path.write_bytes(change(good))
            results.append((name, trial.run("file", path, pattern, {"seconds": 1.0})))
        if only in (None, "writable"):
            path = trial.folder / "writable.so"
            path.write_bytes(good)
            path.chmod(0o666)
            results.append(("writable", trial.run("writable", path, r"anybody may write to it",
                                                  {"seconds": 1.0})))
        for name, (text, pattern) in configurations(trial).items():
            if only in (None, name):
                results.append((f"configuration: {name}", check_config(trial, name, text, pattern)))
    finally:
        trial.close()
    return 1 if report([(f"hostile: {name}", fault or None) for name, fault in results]) else 0


if __name__ == "__main__":
    sys.exit(main())
