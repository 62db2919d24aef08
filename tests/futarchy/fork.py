#!/usr/bin/env python3
"""plugins/strategies/futarchy-arb/fork.py on a fork of a local node with the market's real contracts: `verify` is green there, each
scenario trades and gains, and the node that was forked has not changed. Prints TAP. verbs.py has a small part of it.

    fork.py HAWSE PLUGIN_DIR ANVIL RIG
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from arb import Bot, Node  # noqa: E402
from trials import Results, end, until  # noqa: E402

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "plugins/strategies/futarchy-arb/fork.py"
LINE = re.compile(r"^  (\w+) +(buy|sell) +predicted (\d+\.\d+) sDAI, actual (\d+\.\d+) \(([+-]\d+) ppm\); gas simulated (\d+), used (\d+)", re.M)


class Forked:
    """An operator's configuration on a fork of a trial's node."""

    def __init__(self, results, hawse, plugins, anvil, node, config):
        self.results, self.node, self.config = results, node, config
        self.command = [sys.executable, str(SCRIPT), str(config), "arb", "--fork-url", node.url, "--anvil", str(anvil), "--hawse", str(hawse)]
        self.env = {**os.environ, "HAWSE_PLUGIN_PATH": str(plugins)}

    def run(self, *more):
        return subprocess.run([*self.command, *more], env=self.env, capture_output=True, text=True, timeout=240)

    def state(self):
        until(lambda: self.node.call("txpool_status")["pending"] == "0x0", 5)
        return self.node.call("eth_getBlockByNumber", "latest", False)["hash"]

    def scenarios(self, names):
        check, before = self.results.check, self.state()
        done = self.run("--scenarios", ",".join(names))
        said, lines = done.stdout + done.stderr, {m.group(1): m for m in LINE.finditer(done.stdout)}
        self.results.notes.extend(done.stdout.splitlines()[-len(names) - 2:])
        check("fork: verify is green", "all infrastructure ready" in said, said)
        check("fork: each scenario trades, and gains", set(lines) == set(names) and
              all(float(m.group(4)) > 0 for m in lines.values()), said)
        check("fork: what was predicted came, all but what fees that move with time take",
              all(abs(int(m.group(5))) < 50000 for m in lines.values()), said)
        # each of the four pools writes two words of its oracle anew in a second that it has not seen (17,100 gas each), which a
        # simulation does not share with its block where blocks come as fast as here
        check("fork: gas was simulated within a fifth",
              all(0 < abs(int(m.group(6))) and abs(int(m.group(7)) - int(m.group(6))) * 5 <= int(m.group(6)) for m in lines.values()), said)
        check("fork: it ends with 0", done.returncode == 0, said)
        check("fork: the node that was forked is as it was", before == self.state())

    def faults(self):
        config = json.loads(self.config.read_text())
        config["instances"]["arb"]["settings"]["executor_code_hash"] = "0x" + "11" * 32
        self.config.write_text(json.dumps(config))
        done = self.run("--scenarios", "now", "--seconds", "3")
        self.results.check("fork: a pin that is not the chain's is found, and it ends with 1",
                           done.returncode == 1 and re.search(r"FAIL\] .*hash", done.stdout), done.stdout + done.stderr)
        done = subprocess.run([*self.command[:3], "nobody", *self.command[4:]], env=self.env, capture_output=True, text=True, timeout=60)
        self.results.check("fork: an instance that is not there is said in words",
                           done.returncode == 1 and 'no instance "nobody"' in done.stderr, done.stderr)


def main(hawse, plugins, anvil, rig):
    results = Results()
    hawse, plugins = pathlib.Path(hawse).resolve(), pathlib.Path(plugins).resolve()
    with tempfile.TemporaryDirectory(prefix="hawse-forked-") as name:
        node = Node(anvil, rig, pathlib.Path(name))
        try:
            Bot(hawse, plugins, node, pathlib.Path(name) / "bot", execution="bundled")
            forked = Forked(results, hawse, plugins, anvil, node, pathlib.Path(name) / "bot/hawse.json")
            forked.scenarios(["now", "normal", "volatile", "thin", "large"])
            forked.faults()
        finally:
            node.process.terminate()
            until(lambda: node.process.poll() is not None, 5)
            end(node.process)
    return 1 if results.report() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
