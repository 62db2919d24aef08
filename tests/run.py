#!/usr/bin/env python3
"""Everything that is checked before a change counts as good. Each stage prints TAP or one line per check;
the last line counts them all: "N passed, M failed, K skipped".

    run.py [--list] [--only STAGE[,STAGE]] [--full] [--fuzz SECONDS] [--soak SECONDS] [--coverage]
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
MAIN = BUILD / "test"
RELEASE = BUILD / "release"  # what packaging/run builds
CLANG = BUILD / "clang"
ASAN = BUILD / "clang-asan"
HAWSE = MAIN / "core" / "hawse"
PLUGINS = MAIN / "plugins"
FUZZ_SECONDS = 2  # for each target in every run
counts = {"passed": 0, "failed": 0, "skipped": 0}
failures = []
stage = threading.local()  # what the stage that runs on this thread has said
shared = threading.RLock()  # counts, failures, the terminal
installing = threading.Lock()  # packages, and the benchmarks' build, that several stages need
building = collections.defaultdict(threading.Lock)  # by folder


def say(line=""):
    stage.lines.append(line)


def report(name, result, detail=""):
    with shared:
        counts[result] += 1
        if result == "failed":
            failures.append(name)
    if result != "passed" or os.environ.get("VERBOSE"):
        say(f"  {result}: {name}")
        for line in detail.strip().splitlines()[-25:]:
            say(f"      {line}")


def run(name, command, timeout=600, **kwargs):
    """One command that is one check."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              timeout=timeout, cwd=kwargs.pop("cwd", ROOT), **kwargs)
    except subprocess.TimeoutExpired as e:
        report(name, "failed", f"took longer than {timeout} s\n{(e.stdout or b'')[-2000:]}")
        return None
    report(name, "failed" if done.returncode else "passed", done.stdout + done.stderr)
    return done


def tap(name, command, timeout=600, env=None):
    """A program that prints TAP: one check per line."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              timeout=timeout, env={**os.environ, **(env or {})}, cwd=ROOT)
    except subprocess.TimeoutExpired:
        report(name, "failed", f"took longer than {timeout} s")
        return
    notes, seen = [], 0
    for line in done.stdout.splitlines():
        match = re.match(r"(not )?ok \d+ - (.*?)( # SKIP.*)?$", line)
        if not match:
            notes.append(line)
            continue
        seen += 1
        result = "failed" if match.group(1) else "skipped" if match.group(3) else "passed"
        report(f"{name}: {match.group(2)}", result, "\n".join(notes))
        notes = []
    if seen == 0 or (done.returncode != 0 and not any(f.startswith(name) for f in failures)):
        report(name, "failed", done.stdout[-2000:] + done.stderr[-2000:])


def build(folder, *options, env=None, target="all"):
    """Configures once, then builds; False when it fails."""
    with shared:
        lock = building[folder]
    with lock:
        return build_locked(folder, options, {**os.environ, **(env or {})}, target)


def build_locked(folder, options, environment, target):
    name = f"build {folder.name}"
    if not (folder / "build.ninja").exists():
        done = subprocess.run(["meson", "setup", str(folder), *options], cwd=ROOT, text=True,
                              capture_output=True, env=environment)
        if done.returncode:
            report(name, "failed", done.stdout + done.stderr)
            return False
    # a build waits for the trials that run beside it, which have times to keep
    done = subprocess.run(["nice", "ninja", "-C", str(folder), "--quiet", target], text=True,
                          capture_output=True, env=environment)
    report(name, "failed" if done.returncode else "passed", done.stdout + done.stderr)
    return done.returncode == 0


def unit_programs(folder):
    return sorted(p for p in (folder / "tests" / "unit").glob("test-*") if p.is_file())


def run_units(folder, env=None):
    for program in unit_programs(folder):
        tap(f"{folder.name}/{program.name}", [program],
            env={"HAWSE_TESTS_DIR": str(ROOT / "tests"), **(env or {})})


# ---- stages ----

def stage_style(_):
    run("style", [sys.executable, "tests/style/check.py"])


def stage_layout(_):
    run("ABI layout", [sys.executable, "sdk/abi/layout.py", "--check", "sdk/abi/v1.layout"])


def stage_abi(_):
    """Changes of the headers that must be caught, made in a copy."""
    tap("ABI gate", [sys.executable, "tests/abi/seeds.py"])
    tap("ABI of releases", [sys.executable, "tests/abi/released.py"])


def stage_museum(_):
    """Plugins of past releases here, and one plugin by every compiler. No release is older than this host yet, so
    it stands for the oldest that today's plugins must run on."""
    for trial in ("check", "twins", "newest"):
        tap(f"museum: {trial}", [sys.executable, "tests/museum/museum.py", trial, HAWSE])


def stage_build(_):
    build(MAIN)


def build_clang():
    """As released, by the second compiler; tests are compiled by it with sanitizers."""
    if not shutil.which("clang"):
        report("build clang", "skipped", "clang is not installed")
        return False
    return build(CLANG, "--buildtype=release", "-Dtests=false", "-Dbench=true", env={"CC": "clang"})


def stage_clang(_):
    build_clang()


def stage_unit(_):
    run_units(MAIN)


# reports need lines and functions, not what variables hold; with little optimization gcc warns of what it does
# not see, and the other builds have no warning
SANITIZED = "-Db_lundef=false", "-Doptimization=1"
THREADS = "-Db_sanitize=thread", *SANITIZED, "-Dc_args=-g1", "-Dwerror=false"


def build_asan(target):
    """Memory and undefined behaviour, by clang, which also has the fuzzer: one build for both stages."""
    if not shutil.which("clang"):
        report("build asan", "skipped", "clang is not installed")
        return False
    return build(ASAN, "-Dfuzz=true", "-Db_sanitize=address,undefined", *SANITIZED, env={"CC": "clang"},
                 target=target)


def sanitized_isolation(args, folder):
    """--full: and all that a plugin may do in a worker, to a host that is watched so."""
    if args.full:
        tap(f"isolation, {folder.name}", [sys.executable, "tests/isolation/run.py", folder / "core/hawse",
                                          MAIN / "tests/isolation/isolation-rig.so", PLUGINS, "--sanitized"], timeout=300)


def stage_asan(args):
    """The unit tests once more: memory and undefined behaviour. All the rest is compiled: no warning of clang either."""
    if build_asan("all"):
        run_units(ASAN, {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
        sanitized_isolation(args, ASAN)


def stage_tsan(args):
    """And where threads meet. --full: in a whole host as well, whose plugins are exchanged."""
    options = {"TSAN_OPTIONS": "halt_on_error=1"}
    if build(BUILD / "tsan", *THREADS, target="unit-tests"):
        run_units(BUILD / "tsan", options)
    if args.full and build(BUILD / "tsan", *THREADS, target="core/hawse"):
        tap("tsan/swap", [sys.executable, "tests/swap/run.py", BUILD / "tsan/core/hawse", "--sanitized"], env=options)
        sanitized_isolation(args, BUILD / "tsan")


def fuzz(seconds, keep):
    """Every parser on its corpus, then for some seconds on inputs made of it."""
    if build_asan("fuzz-targets"):
        tap("fuzz", [sys.executable, "tests/fuzz/run.py", ASAN, "--seconds", seconds,
                     *(["--keep"] if keep else [])], timeout=600 + 20 * seconds)


def stage_fuzz(_):
    fuzz(FUZZ_SECONDS, keep=False)


def stage_hostile(_):
    tap("hostile", [sys.executable, "tests/hostile/run.py", MAIN], timeout=600)


def stage_command(_):
    """Verbs of plugins as operators call them: in process, in a worker, alone, and replayed."""
    tap("command", [sys.executable, "tests/command/run.py", HAWSE], timeout=120)


def stage_prometheus(_):
    """The shipped rules, by promtool and by a real Prometheus and Alertmanager."""
    tap("prometheus", [sys.executable, "tests/prometheus/run.py", HAWSE], timeout=120)


def stage_swap(args):
    """Plugins exchanged under a flood of events: nothing lost or doubled, every failure rolled back."""
    size = ["--failures", "100", "--swaps", "100"] if args.full else []
    tap("swap", [sys.executable, "tests/swap/run.py", HAWSE, *size], timeout=600)


def stage_secrets(_):
    """A server that repeats every key it is given: none is shown, and none is in memory that is not locked."""
    tap("secrets", [sys.executable, "tests/secrets/run.py", HAWSE, PLUGINS], timeout=120)
    anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    if npm_packages():
        tap("secrets while sending", [sys.executable, "tests/secrets/sending.py", HAWSE, PLUGINS, anvil, MAIN / "tests/secrets/dumps.so"], timeout=120)


def stage_keys(args):
    """Keys as an operator meets them, nothing secret in what is said or in memory; signatures beside other clients."""
    tap("keys", [sys.executable, "tests/keys/run.py", HAWSE], timeout=120)
    if npm_packages():
        digests = "10000" if args.full else "500"
        tap("keys beside other clients", ["node", "tests/keys/clients.mjs", MAIN / "tests/keys-answers", HAWSE,
                                          "--digests", digests], timeout=600)


def stage_operator(_):
    """Every command as an operator meets it, wrong ones included, and a running host's pages and socket."""
    tap("operator", [sys.executable, "tests/operator/run.py", HAWSE, PLUGINS], timeout=120)
    anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    tap("doctor", [sys.executable, "tests/doctor/run.py", HAWSE, PLUGINS, *([anvil] if npm_packages() else [])],
        timeout=120)


def stage_journal(_):
    """The journal beside a writer that is killed, copied, changed and put back; Python computes its chain anew."""
    tap("journal", [sys.executable, "tests/journal/run.py", HAWSE, MAIN / "tests" / "journal" / "journal-writer"],
        timeout=120)


def stage_record(args):
    """The flight recorder: three worlds recorded, replayed, changed, killed; both compilers' builds do the same."""
    command = [sys.executable, "tests/record/run.py", HAWSE, PLUGINS]
    both = ["--other", CLANG] if build_clang() else []
    size = ["--kills", "100", "--flips", "1000"] if args.full else ["--kills", "6", "--replays", "5", "--flips", "20"]
    tap("record", [*command, *size, *both], timeout=900)
    if args.full:
        for lanes in ("1", "2"):
            tap(f"record a million events, lanes {lanes}", [*command, "--million", "400", "--lanes", lanes, *both],
                timeout=1200)


def stage_lanes(_):
    """One lane and several: the same events; recorded, replayed, reloaded; a hang on one lane."""
    tap("lanes", [sys.executable, "tests/lanes/run.py", HAWSE, PLUGINS], timeout=120)


def stage_sdk(_):
    """A plugin built outside the tree, against the installed SDK alone, by each compiler, run by the installed host."""
    tap("sdk", [sys.executable, "tests/sdk/run.py", MAIN], timeout=120)
    if npm_packages():
        tap("author", [sys.executable, "tests/sdk/author.py", MAIN], timeout=120)
    tap("guide", [sys.executable, "tests/sdk/guide.py", MAIN], timeout=300)
    tap("docs", [sys.executable, "tests/sdk/docs.py", HAWSE, PLUGINS, MAIN / "packaging/reference.html"], timeout=120)


def npm_packages(room="e2e"):
    """The pinned packages of a room of trials are there; False with a report when not."""
    with installing:
        return install_packages(room)


def install_packages(room):
    folder = ROOT / "tests" / room
    if not shutil.which("npm"):
        report(f"npm packages of {room}", "skipped", "npm is not installed")
        return False
    there = folder / "node_modules" / ".package-lock.json"
    wanted = json.loads((folder / "package.json").read_text())["devDependencies"]
    if there.exists() and all((folder / "node_modules" / name).exists() for name in wanted):
        return True
    # Newer npm's `ci` stops where a registry lacks optional packages of other platforms; `install` goes on, by the same
    # lock file. Older npm's `install` leaves out the optional package of this platform; its `ci` does not.
    for verb in (["ci"], ["install", "--no-save"]):
        done = subprocess.run(["npm", *verb, "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                              capture_output=True, text=True)
        if done.returncode == 0:
            break
    if done.returncode:
        report(f"npm packages of {room}", "failed", done.stdout + done.stderr)
    return done.returncode == 0


def build_bench():
    """The quickstart's build, which its script makes from nothing, with the benchmarks in it."""
    with installing:
        if not (RELEASE / "build.ninja").exists():
            run("the first call of packaging/run", ["nice", "sh", "packaging/run", "--plain", "--seconds", "1"])
        if not (RELEASE / "tests" / "bench").exists():
            run("the build has benchmarks", ["meson", "configure", RELEASE, "-Dbench=true"])
        return build(RELEASE)


def stage_hotpath(_):
    """Counted, not read: a message costs no allocation and no lock."""
    if not shutil.which("node"):
        report("hotpath", "skipped", "node is not installed")
    elif build_bench():
        tap("hotpath", ["node", "tests/bench/hotpath.mjs", RELEASE])


def stage_bench(args):
    """Every benchmark once, small: nothing is lost on the way. Times are not judged here."""
    if npm_packages() and build_bench():
        run("bench", ["node", "tests/bench/bench.mjs", "--build", RELEASE, "--smoke"])
        run("bench: isolation", [RELEASE / "tests/bench/bench-isolation", RELEASE / "core/hawse",
                                 RELEASE / "tests/bench/isolation-probe.so", 5000])
        run("bench: signing", ["node", "tests/bench/bench_sign.mjs", RELEASE, "--rounds", "1"])
        if npm_packages("solana") and (not args.full or npm_packages("bench/solana")):
            run("bench: Solana", ["node", "tests/bench/bench_solana.mjs", RELEASE, "--rounds", "5"])


def time_to_run():
    """Seconds from packaging/run to the first plugin that runs."""
    begin = time.monotonic()
    process = subprocess.Popen(["sh", "packaging/run", "--plain", "--seconds", "1"], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for line in process.stdout:
            if " running " in line:
                return time.monotonic() - begin
        return float("inf")
    finally:
        process.communicate(timeout=20)


def stage_quickstart(_):
    """The README's first command, for a few seconds."""
    done = subprocess.run(["sh", "packaging/run", "--plain", "--seconds", "8"], cwd=ROOT, text=True,
                          capture_output=True, timeout=600, env={**os.environ, "CI": "true"})
    text = done.stdout + done.stderr
    report("quickstart shows blocks", "passed" if " block " in text else "failed", text)
    report("quickstart shows swaps", "passed" if " swap " in text else "failed", text)
    report("quickstart shows Solana's slots", "passed" if " slot " in text else "failed", text)
    books = set(re.findall(r" book  (.* market \w+)", text))
    report("quickstart shows order books moving", "passed" if len(books) > 3 else "failed", text)
    report("quickstart shows no gap", "failed" if "GAP" in text or "HEALED" in text else "passed", text)
    seconds = float("inf")
    for _ in range(3):  # the machine may be busy once
        seconds = min(seconds, time_to_run())
        if seconds < 1:
            break
    report("a second call runs in under a second", "passed" if seconds < 1 else "failed", f"{seconds:.2f} s")


def show(done):
    """What a trial says of itself in one line each."""
    if done:
        say("\n".join("    " + line for line in done.stdout.splitlines()
                      if re.match(r"(swaps|logs|pools|quotes|tape|\d+ differences)", line)))


def stage_e2e(args):
    folder = ROOT / "tests" / "e2e"
    if not npm_packages():
        return
    env = {**os.environ, "HAWSE_BIN": str(HAWSE), "HAWSE_PLUGIN_DIR": str(PLUGINS)}
    swaps, pools = ("10000", "50") if args.full else ("1000", "16")
    tap("tls", ["node", "tests/e2e/tls.mjs"], env={"HAWSE_BIN": str(HAWSE), "HAWSE_PLUGIN_DIR": str(PLUGINS)})
    tap("discover", ["node", "tests/e2e/discover.mjs"], timeout=120, env=env)
    tap("polling", ["node", "tests/e2e/polling.mjs"], env=env)
    tap("pair", ["node", "tests/e2e/pair.mjs", "--swaps", "2000" if args.full else "120"], env=env)
    tap("below", ["node", "tests/e2e/below.mjs", "--rounds", "12" if args.full else "4"], env=env)
    tap("vault", ["node", "tests/e2e/vault.mjs"],
        env={**env, "HAWSE_AMM_QUOTE": str(MAIN / "tests" / "amm-quote")})
    run("rig: selfcheck", ["node", "selfcheck.mjs"], cwd=folder, env=env)
    for chain, seed in (("100", "1"), ("137", "2")):
        done = run(f"e2e: {swaps} swaps over {pools} pools on chain {chain}",
                   ["node", "fullpath.mjs", "--subject", "hawse", "--swaps", swaps, "--pools", pools,
                    "--chain", chain, "--seed", seed, "--reload", "10"], cwd=folder, env=env)
        show(done)
    done = run(f"e2e: {swaps} swaps over Balancer's pools",
               ["node", "fullpath.mjs", "--venue", "balancer", "--swaps", swaps, "--pools", "10", "--reload", "20"],
               cwd=folder, env={**env, "HAWSE_AMM_QUOTE": str(MAIN / "tests" / "amm-quote")})
    show(done)


def stage_amm(args):
    """Quotes of the SDK beside deployed pools, kind by kind, to the last wei."""
    if not npm_packages():
        return
    env = {"HAWSE_AMM_QUOTE": str(MAIN / "tests" / "amm-quote")}
    if not args.full:
        tap("amm", ["node", "tests/e2e/amm.mjs", "--swaps", "3000"], env=env)
        return
    for kind in ("uniswapV3", "algebra", "product", "weighted", "weighted2021", "stable", "stable2021"):
        tap(f"amm {kind}", ["node", "tests/e2e/amm.mjs", "--swaps", "100000", "--kind", kind],
            timeout=1800, env=env)


def stage_encodings(args):
    """The SDK's RLP, ABI, typed data and transactions beside viem and ethers, broken ones too."""
    if npm_packages():
        tap("encodings", ["node", "tests/e2e/encodings/clients.mjs", MAIN / "tests/encoding-answers",
                          "--cases", "10000" if args.full else "400"], timeout=1200)


def stage_intents(args):
    """Strategies, a real node that reorganises and forgets, providers that break, hosts that are killed, a Redis
    server that is, too: each intent ends once."""
    if not npm_packages():
        return
    anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    proxy = MAIN / "tests/intents-proxy"
    size = ["--intents", "10016", "--producers", "32", "--kills", "50", "--drops", "100", "--seconds", "3600"]
    storm = ["--providers", "4", "--proxy", proxy]
    many = ["--depth", "12", "--reorgs", "30", "--foreign", "20", "--spikes", "3", "--empties", "5"]
    few = ["--depth", "4", "--reorgs", "2", "--foreign", "2", "--spikes", "1", "--empties", "1", "--seconds", "150"]
    shared = ["--hosts", "4", "--redis", "60" if args.full else "3"]
    trial = [sys.executable, "tests/intents/run.py", HAWSE, PLUGINS, anvil]
    tap("troubles of intents", [sys.executable, "tests/intents/troubles.py", HAWSE, PLUGINS, anvil], timeout=300)
    tap("intents go at once", [sys.executable, "tests/intents/prompt.py", HAWSE, PLUGINS, anvil], timeout=180)
    tap("intents, all troubles at once", [*trial, *storm, *(size + many if args.full else few)], timeout=3900)
    tap("intents of four hosts", [*trial, *storm, *shared, *(size + many if args.full else few)], timeout=3900)


def stage_relay(_):
    """Intents by a private relay: a real node, a stand-in of the relay that reads signatures by another client. And
    transactions of a Safe, with the real contracts."""
    if npm_packages():
        anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
        tap("relay", [sys.executable, "tests/relay/run.py", HAWSE, PLUGINS, anvil], timeout=180)
        if shutil.which("redis-server"):
            tap("relay, hosts that die", [sys.executable, "tests/relay/holes.py", HAWSE, PLUGINS, anvil], timeout=240)
        if npm_packages("relay"):
            tap("intents of a Safe", [sys.executable, "tests/relay/safe_intents.py", HAWSE, PLUGINS, anvil], timeout=120)
            tap("safe", ["node", "tests/relay/safe.mjs", MAIN / "tests/safe-answers"], timeout=120)


def stage_simulation(_):
    """What simulations tell beside what happens, on a real node with real contracts."""
    if npm_packages():
        tap("simulation", ["node", "tests/e2e/simulation.mjs", MAIN / "tests/sim-answers"], timeout=120)
        anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
        tap("simulation by Tenderly", [sys.executable, "tests/intents/tenderly.py", HAWSE, PLUGINS, anvil], timeout=120)


def stage_isolation(args):
    tap("isolation", [sys.executable, "tests/isolation/run.py", HAWSE, MAIN / "tests/isolation/isolation-rig.so", PLUGINS,
                      *(["--faults", "1000"] if args.full else [])], timeout=300 if args.full else 120)


def stage_gates(_):
    """A plugin that tries to get round its operator, on a real node: the chain holds what was allowed and nothing else."""
    anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    if npm_packages():
        tap("gates", [sys.executable, "tests/gates/run.py", HAWSE, PLUGINS, MAIN / "tests/gates", anvil], timeout=120)
        tap("streams", [sys.executable, "tests/gates/streams.py", HAWSE, PLUGINS, MAIN / "tests/gates", anvil], timeout=60)


def stage_futarchy(args):
    """A futarchy market of real contracts on a real node: the rig itself, and the strategy in randomised markets."""
    if not npm_packages("futarchy") or not npm_packages():
        return
    tap("futarchy rig", ["node", "tests/futarchy/rig_check.mjs"], timeout=120)
    anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    env = {"HAWSE_BIN": str(HAWSE), "HAWSE_PLUGIN_DIR": str(PLUGINS)}
    tap("conditional tokens", ["node", "tests/futarchy/tokens.mjs", "--steps", "1000" if args.full else "60"], env=env)
    tap("proposals", ["node", "tests/futarchy/proposals.mjs"], env=env)
    size = ["--full"] if args.full else ["--markets", "2", "--adversaries", "1", "--only", "adversaries,both,broken,planted,resolved"]
    tap("futarchy", [sys.executable, "tests/futarchy/arb.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs", *size],
        timeout=1800 if args.full else 180)
    tap("futarchy, exchanged while it trades", [sys.executable, "tests/futarchy/swapped.py", HAWSE, PLUGINS, anvil,
                                                "node tests/futarchy/rig.mjs", "--markets", "20" if args.full else "2"], timeout=300)
    tap("futarchy verbs", [sys.executable, "tests/futarchy/verbs.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs",
                           *(["--full"] if args.full else [])], timeout=120)
    tap("futarchy control", [sys.executable, "tests/futarchy/control.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs",
                             *([] if args.full else ["--only", "shadow,code,killed,verbs"])], timeout=500 if args.full else 110)
    tap("futarchy and those who lie", [sys.executable, "tests/futarchy/hostile.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs"])
    v3 = ROOT / "build/balancer-v3"  # minutes of compiling, once: at full size, or where that was done
    if (args.full or (v3 / "WeightedPool.json").exists()) and npm_packages("futarchy/v3"):
        tap("futarchy with a spot pool of Balancer v3",
            [sys.executable, "tests/futarchy/spot_v3.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs", v3,
             "--markets", "100" if args.full else "10"], timeout=2400 if args.full else 120)
    if args.full:
        tap("futarchy on a fork", [sys.executable, "tests/futarchy/fork.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs"],
            timeout=240)
        tap("futarchy hour", [sys.executable, "tests/futarchy/hour.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs"],
            timeout=180)
        tap("futarchy week", [sys.executable, "tests/futarchy/week.py", HAWSE, PLUGINS, anvil, "node tests/futarchy/rig.mjs"],
            timeout=900)


def stage_solana(args):
    """The SDK beside the official client and a real runtime; the plugin against a real node."""
    if not npm_packages("solana") or not npm_packages():
        return
    size = [] if args.full else ["--pdas", "3000", "--messages", "3000", "--broken", "1500"]
    tap("solana", ["node", "tests/solana/clients.mjs", MAIN / "tests/solana/solana-answers", *size])
    tap("solana transactions", ["node", "tests/solana/transactions.mjs", MAIN / "tests/solana/solana-answers"])
    sending = ["--intents", "80", "--kills", "20"] if args.full else []
    tap("solana sending", ["node", "tests/solana/sending.mjs", MAIN / "tests/solana/solana-sender", *sending])
    env = {"HAWSE_BIN": str(HAWSE), "HAWSE_PLUGIN_DIR": str(PLUGINS)}
    tap("solana continuity", ["node", "tests/solana/continuity.mjs", "--seconds", "10" if args.full else "1",
                              "--slots", "3000" if args.full else "300"], env=env)
    intents = ["--payments", "200", "--kills", "30"] if args.full else ["--payments", "8", "--kills", "2"]
    tap("solana intents", ["node", "tests/solana/intents.mjs", *intents], env=env)
    seconds = "60" if args.full else "10"
    for commitment in ("processed", "confirmed") if args.full else ("processed",):
        tap(f"solana {commitment}", ["node", "tests/solana/trial.mjs", "--seconds", seconds,
                                     "--commitment", commitment], env=env)
    tap("solana protocol", ["node", "tests/solana/protocol.mjs",
                            *(["--seconds", "30", "--largest", "10485760"] if args.full else ["--seconds", "5"])],
        env=env)


def stage_check(args):
    """The conformance kit: each case finds the plugin that is broken in its way, and the shipped ones pass all."""
    tap("check", [sys.executable, "tests/check/run.py", MAIN, *(["--full"] if args.full else [])],
        timeout=300)
    tap("new", [sys.executable, "tests/check/new.py", MAIN], timeout=180)


def stage_rpc(args):
    """Providers that fail in every way; with --full ten minutes of three times the load."""
    tap("rpc", [MAIN / "tests" / "rpc-trial", "--seconds", "600" if args.full else "5"], timeout=900)
    if npm_packages():
        anvil = ROOT / "tests/e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
        tap("rpc: a real node", [sys.executable, "tests/rpc/node.py", MAIN / "tests" / "rpc-trial", anvil], timeout=60)


def stage_polymarket(args):
    """The venue beside a double of it, which the official clients have proved first."""
    folder = ROOT / "tests" / "e2e"
    if not npm_packages("e2e"):
        return
    env = {**os.environ, "HAWSE_BIN": str(HAWSE), "HAWSE_PLUGIN_DIR": str(PLUGINS)}
    tap("polymarket double", ["node", folder / "polymarket/clients.mjs"])
    run("polymarket: fills from a chain with reorganisations", ["node", "polymarket/onchain.mjs"],
        cwd=folder, env=env)
    if build_bench():
        env["BENCH_DIR"] = str(RELEASE / "tests" / "bench")
        seconds, rate = ("300", "20000") if args.full else ("10", "5000")
        done = run(f"polymarket: 2,000 assets, {rate} messages/s for {seconds} s",
                   ["node", "polymarket/load.mjs", "--seconds", seconds, "--rate", rate], cwd=folder,
                   env={**env, "HAWSE_BIN": str(RELEASE / "core/hawse"),
                        "HAWSE_PLUGIN_DIR": str(RELEASE / "plugins")})
        say("\n".join("    " + line for line in done.stdout.splitlines()) if done else "")
        if args.full and npm_packages("bench/polymarket"):
            for peer in ("ccxt", "parse"):  # what others do with the same bytes
                done = run(f"polymarket: the same by {peer}", ["node", "polymarket/load.mjs", "--seconds", "60",
                                                               "--rate", rate, "--peer", peer], cwd=folder, env=env)
                say("\n".join("    " + line for line in done.stdout.splitlines()) if done else "")
    seconds = "300" if args.full else "24"  # each trouble once
    done = run(f"polymarket: 200 assets, {seconds} s of troubles",
               ["node", "polymarket/trial.mjs", "--seconds", seconds], cwd=folder, env=env)
    if done:
        say("\n".join("    " + line for line in done.stdout.splitlines()[:4]))


def stage_packages(args):
    """Debian packages: built (with --full twice, to the same bytes), judged by lintian, installed, upgraded, purged."""
    folder = BUILD / "packages"
    run("packages are built and lintian has no fault", ["sh", "packaging/deb", "--out", folder,
                                                        *(["--twice"] if args.full else [])], timeout=900)
    tap("packages", [sys.executable, "tests/packages/run.py", folder], timeout=300)
    if args.full and npm_packages():  # a root that was never used, from a mirror of Debian
        tap("packages in a fresh root", [sys.executable, "tests/packages/fresh.py", folder], timeout=1200)


# In the order of a whole run: a build that the others need; three rows beside each other, of which the first mostly
# computes and the others mostly wait, until all are done; then alone, since what they say depends on the rest of the
# machine or on nothing being built meanwhile.
FIRST = ["build"]
ROWS = [["clang", "style", "layout", "unit", "check", "asan", "fuzz", "amm", "encodings", "keys", "abi", "museum"],
        ["isolation", "solana", "packages", "sdk", "hostile", "rpc", "record", "swap", "tsan", "lanes", "journal", "secrets", "operator",
         "command", "prometheus"],
        ["e2e", "polymarket", "futarchy", "intents", "relay", "simulation", "gates"]]
LAST = ["hotpath", "bench", "quickstart"]
STAGES = [*FIRST, *sum(ROWS, []), *LAST]
NOT_COUNTED = ("unit", "asan", "tsan", "fuzz")  # by --coverage: it runs the unit tests of its own build
# nonces, gates, simulations, and when a Solana transaction may be signed anew: no line unproved
WHOLE = ["core/tx/nonce", "core/tx/solana_life", "core/tx/solana_hash", "core/store/journal_nonces", "core/risk/", "core/sim/"]
assert sorted(STAGES) == sorted(n[6:] for n in globals() if n.startswith("stage_")), "a stage is in no row, or in two"


def run_stages(names, args):
    for name in names:
        begin = time.monotonic()
        stage.lines = []
        try:
            globals()[f"stage_{name}"](args)
        except Exception as e:  # the others are not lost with it
            report(name, "failed", f"{type(e).__name__}: {e}")
        with shared:
            print("\n".join([f"{name} ...", *stage.lines, f"  {time.monotonic() - begin:.0f} s"]), flush=True)


def run_row(row, left, args):
    """Its own stages in their order; then the last of the row that has most left."""
    while True:
        with shared:
            other = max(left, key=len)
            name = row.pop(0) if row else other.pop() if other else None
        if name is None:
            return
        run_stages([name], args)


def run_all(args):
    run_stages(FIRST, args)
    left = [list(row) for row in ROWS]
    rows = [threading.Thread(target=run_row, args=(row, left, args)) for row in left]
    for row in rows:
        row.start()
    for row in rows:
        row.join()
    run_stages(LAST, args)


def coverage(args):
    """A build of its own that counts; its unit tests and trials; then what never ran."""
    global MAIN, HAWSE, PLUGINS
    MAIN = BUILD / "coverage"
    HAWSE, PLUGINS = MAIN / "core" / "hawse", MAIN / "plugins"
    stage.lines = []
    if not build(MAIN, "-Db_coverage=true", "--buildtype=debug", "-Dwerror=false"):
        print("\n".join(stage.lines))
        return 1
    run_stages(["unit", *(s for s in sum(ROWS, []) if s not in NOT_COUNTED)], args)
    return subprocess.run([sys.executable, "tests/coverage.py", MAIN, *(w for name in WHOLE for w in ("--whole", name))],
                          cwd=ROOT).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--fuzz", type=int, default=0, metavar="SECONDS",
                        help="fuzz each target so long, and keep what reaches new code")
    parser.add_argument("--soak", type=int, default=0, metavar="SECONDS")
    parser.add_argument("--coverage", action="store_true", help="which lines the unit tests and trials run")
    parser.add_argument("--full", action="store_true", help="the end-to-end trials at full size")
    args = parser.parse_args()
    if args.list:
        print("\n".join(STAGES))
        return 0
    wanted = [s for s in args.only.split(",") if s]
    unknown = [s for s in wanted if s not in STAGES]
    if unknown:
        print(f"no stage {unknown[0]}; --list names them", file=sys.stderr)
        return 2
    if wanted and "build" not in wanted and not HAWSE.exists():
        wanted.insert(0, "build")
    if args.coverage:
        return coverage(args)
    if wanted or args.fuzz:  # fuzzing takes longer than all stages together
        run_stages(wanted, args)
    else:
        run_all(args)
    stage.lines = []
    if args.fuzz:
        fuzz(args.fuzz, keep=True)
    if args.soak:
        tap("soak", [sys.executable, "tests/soak/soak.py", HAWSE, PLUGINS, args.soak],
            timeout=args.soak + 60)
    for line in [*stage.lines, *(f"failed: {name}" for name in failures)]:
        print(line)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
