#!/usr/bin/env python3
"""Everything a plugin in a worker may do to harm others: crashes, hangs, floods, memory, forbidden system calls, garbage
in what it shares with the host. The host must not end, every other instance must get every event, each attempt must be
reported by name, and the plugin must be back in time. Prints TAP.

    run.py HAWSE RIG.so PLUGINS [--faults N] [--sanitized]

--sanitized: HAWSE was built with AddressSanitizer or ThreadSanitizer (RIG.so and PLUGINS were not): it finds a double free
before the C library does, has no limit of memory, and is slower.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

RESTART_MS = 100
PROBE_S = 0.2
HANG_MS = 60

# what the log must say of each
WORDS = {
    "segfault": r"crashed with signal 11", "abort": r"crashed with signal 6", "stack": r"crashed with signal 11",
    "divide": r"crashed with signal 8", "illegal": r"crashed with signal (4|5)", "double_free": r"crashed with signal 6 .*wrote before: .*double free",
    "exit": r"ended by itself with exit code 3", "loop": r"has not returned within", "call_flood": r"has not returned within",
    "publish_flood": r"has not returned within", "memory": r"crashed with signal 11 .*memory was used up|has not returned within",
    "socket": r"system call socket ", "file": r"system call openat ", "stat": r"system call newfstatat ",
    "host_memory": r"system call process_vm_readv ", "host_memory_file": r"system call openat ",
    "ptrace": r"system call ptrace ", "kill": r"system call kill ", "fork": r"system call clone ",
    "exec": r"system call execve ", "thread": r"system call (clone3?|rt_sigaction) ",
    "sleep": r"system call (clock_)?nanosleep ", "code": r"system call mmap ", "code_later": r"system call mprotect ",
    "handler": r"system call rt_sigaction ", "write": r"system call write ", "namespace": r"system call unshare ",
    "io_uring": r"system call io_uring_setup ", "memory_file": r"system call memfd_create ",
    "filter": r"system call seccomp ", "read": r"system call read ", "old_calls": r"system call|exit code 3",
    "requeue": r"system call futex ", "told": r"wrote into received bytes",
    "scribble": r"said something|has not returned|claims to have taken|returned|system call",
}


# where a sanitizer stands between plugin and system
SANITIZED = {**WORDS, "double_free": r"double.free|system call openat|SURVIVED", "thread": r"system call", "handler": r".",
             "memory": WORDS["memory"] + "|SURVIVED"}
FRAME_WORDS = {**dict.fromkeys(("frame_write", "frame_behind", "frame_open", "frame_remove", "frame_keep"), r"wrote into received bytes"),
               "frame_hang": r"has not returned within"}


class Tap:
    def __init__(self):
        self.count = self.bad = 0

    def check(self, good, name, detail=""):
        self.count += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        for line in str(detail).splitlines()[-20:] if not good else []:
            print(f"#   {line}")


def config(folder, rig, events, others):
    def one(role, **more):
        return {"plugin": str(rig), "settings": {"role": role, "events": events}, "queue": 65536, "isolation": "none",
                **({} if role == "pulse" else {"links": {"pulse": "pulse"}}), **more}

    worker = {"restarts": 0, "backoff_ms": 0, "memory_mib": 16}
    return {
        "hawse": 1, "state_dir": str(folder / "state"), "control": {"socket": str(folder / "c.sock")},
        "log": {"level": "info"}, "stop_deadline_ms": 1000,
        "instances": {
            "pulse": one("pulse"),
            "beside": one("reader"),
            "isolated": one("reader", isolation="process", worker={"memory_mib": 32}),
            **({"victim": one("victim", isolation="process", worker=worker, budget={"hang_ms": HANG_MS})}
               if others else {}),
        },
    }


def status(hawse, folder):
    done = subprocess.run([hawse, "status", "--json", "--socket", str(folder / "c.sock")], capture_output=True, text=True)
    try:
        return {i["id"]: i for i in json.loads(done.stdout)["instances"]}
    except ValueError:
        return {}


def judge_faults(tap, log, wanted, sanitized):
    """Each FAULT line of the victim is followed by what became of it."""
    seen, wrong, name, memory = {}, [], None, 0
    for line in log.splitlines():
        fault = re.search(r"victim +FAULT (\w+)", line)
        if fault:
            if name:
                wrong.append(f"{name}: nothing was reported before: {line}")
            name = fault.group(1)
        elif name and re.search(r"(ERROR|WARN) +victim", line) and "lines of this plugin" not in line:
            seen[name] = seen.get(name, 0) + 1
            memory += "memory was used up" in line
            if not re.search((SANITIZED if sanitized else WORDS)[name], line):
                wrong.append(f"{name}: {line}")
            name = None
    total = sum(seen.values())
    tap.check(total >= wanted, f"{total} faults were injected, {wanted} wanted", seen)
    tap.check(not wrong, "each is reported as what it was, by name", "\n".join(wrong))
    tap.check(memory > 0 or sanitized, f"{memory} times the limit of its memory is named as the reason")
    tap.check(set(seen) == set(WORDS) or wanted < len(WORDS), f"{len(seen)} sorts of faults, of {len(WORDS)}",
              sorted(set(WORDS) - set(seen)))
    return total


def middle_and_tail(times):
    times = sorted(times)
    return times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)]


def by_chance(number, share=0.01, doubt=0.001):
    """So many of `number` may be in the slowest `share`: more would be chance less often than `doubt`."""
    count = 0
    one = total = (1 - share) ** number
    while total < 1 - doubt:
        count += 1
        one *= (number - count + 1) / count * share / (1 - share)
        total += one
    return count


class Machine:
    """How long this machine takes meanwhile to start the same program when it has nothing to do there: others may use it."""

    def __init__(self, hawse):
        self.hawse, self.ms, self.ended = hawse, [], threading.Event()
        self.thread = threading.Thread(target=self.measure)

    def measure(self):
        while not self.ended.wait(PROBE_S):
            begin = time.monotonic()
            subprocess.run([self.hawse, "--version"], stdout=subprocess.DEVNULL, check=True)
            self.ms.append((time.monotonic() - begin) * 1000)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def judge_restarts(tap, log, total, machine):
    times = sorted(float(ms) for ms in re.findall(r"victim .*is back in a new worker, ([\d.]+) ms after", log))
    tap.check(len(times) >= total - 2, f"it came back {len(times)} times")
    if times:
        p50, p99 = middle_and_tail(times)
        bare50, bare99 = middle_and_tail(machine.ms or [0])
        print(f"# restart: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {times[-1]:.1f} ms; meanwhile the machine took "
              f"p50 {bare50:.1f} ms, p99 {bare99:.1f} ms to start a program ({len(machine.ms)} times)")
        tap.check(p50 < RESTART_MS, f"it is back within {RESTART_MS} ms, the median of {len(times)}", f"{p50:.1f} ms")
        tap.check(machine.ms, "and starting a program was measured meanwhile")
        # what the machine itself held up is not counted, nor so few of so few that one of 100 may be among them
        late = [ms for ms in times if ms >= RESTART_MS + bare99]
        allowed = by_chance(len(times))
        tap.check(len(late) <= allowed, f"99 of 100 are, beside what starting a program took meanwhile: {len(late)} were later, "
                  f"{allowed} of {len(times)} may be by chance", late)


def wait_for(log, process, what, until):
    while time.monotonic() < until and process.poll() is None:
        if what(log.read_text(errors="replace")):
            return True
        time.sleep(0.2)
    return False


def run(args, tap, folder):
    # eight a millisecond, so many that the pulse outlasts the faults on a busy machine too
    events = args.faults * 600 if args.sanitized else 32000 + args.faults * 400
    path, log = folder / "c.json", folder / "log"
    path.write_text(json.dumps(config(folder, args.rig.resolve(), events, True)))
    with log.open("w") as out:
        host = subprocess.Popen([args.hawse, "run", str(path)], stdout=subprocess.DEVNULL, stderr=out)
    try:
        with Machine(args.hawse) as machine:
            done = wait_for(log, host, lambda t: len(re.findall(r"(beside|isolated) +has them all", t)) == 2,
                            time.monotonic() + 30 + args.faults * 0.2)
        tap.check(host.poll() is None, "the host runs on", log.read_text()[-2000:])
        tap.check(done, f"both readers, one in process and one in a worker, have all {events} events",
                  log.read_text()[-2000:])
        state = status(args.hawse, folder)
        for name in ("pulse", "beside", "isolated"):
            one = state.get(name, {})
            tap.check(one.get("state") == "running" and one.get("dropped") == 0, f"{name} runs, and lost nothing", one)
        walls = state.get("victim", {}).get("isolation")
        tap.check(bool(walls) and "syscalls" in walls.get("walls", []), "status tells what keeps the victim in", walls)
        print(f"# {json.dumps(walls)}")
        os.kill(state["isolated"]["isolation"]["pid"], signal.SIGKILL)
        back = wait_for(log, host, lambda t: re.search(r"isolated +is back in a new worker", t), time.monotonic() + 10)
        tap.check(back and "in no callback its worker was killed from outside" in log.read_text(),
                  "a worker that is killed while it has nothing to do is missed, and comes back", log.read_text()[-800:])
    finally:
        host.send_signal(signal.SIGTERM)
        try:
            code = host.wait(20)
        except subprocess.TimeoutExpired:
            host.kill()
            code = "not at all"
    text = log.read_text(errors="replace")
    tap.check(code == 0, f"the host ended as it should when asked: {code}", text[-1500:])
    own = "double_free|handler|memory" if args.sanitized else "$."  # a sanitizer's own calls in their place
    survived = re.findall(rf".*SURVIVED (?!{own}).*", text)
    tap.check(not survived, "nothing forbidden was survived", "\n".join(survived))
    judge_restarts(tap, text, judge_faults(tap, text, args.faults, args.sanitized), machine)


def quarantine(args, tap, folder):
    """With the usual limits a file that is lost again and again stays off."""
    path, log = folder / "q.json", folder / "log-q"
    c = config(folder, args.rig.resolve(), 1000000, True)
    c["state_dir"] = str(folder / "state-q")
    c["instances"]["victim"]["worker"] = {"restarts": 3, "backoff_ms": 1}
    path.write_text(json.dumps(c))
    with log.open("w") as out:
        host = subprocess.Popen([args.hawse, "run", str(path)], stdout=subprocess.DEVNULL, stderr=out)
    try:
        done = wait_for(log, host, lambda t: "lost its worker 4 times" in t, time.monotonic() + 20)
        tap.check(done, "after its restarts a file stays off", log.read_text()[-1500:])
        listed = folder / "state-q" / "quarantine.json"
        tap.check(listed.exists() and "rig" in listed.read_text(), "and is quarantined by its digest")
    finally:
        host.send_signal(signal.SIGTERM)
        host.wait(20)


def reloads(args, tap, folder):
    """Without those that are in workers, and with them again, while one of them waits to come back."""
    path, log = folder / "r.json", folder / "log-r"
    c = config(folder, args.rig.resolve(), 1000000, True)
    c["state_dir"] = str(folder / "state-r")
    c["instances"]["victim"]["worker"] = {"restarts": 0, "backoff_ms": 150}
    c["instances"]["isolated"]["settings"]["role"] = "idle"  # it comes when others have read for a while
    few = {**c, "instances": {k: v for k, v in c["instances"].items() if v["isolation"] == "none"}}
    path.write_text(json.dumps(c))
    with log.open("w") as out:
        host = subprocess.Popen([args.hawse, "run", str(path)], stdout=subprocess.DEVNULL, stderr=out)
    try:
        good = wait_for(log, host, lambda t: "is back" in t, time.monotonic() + 20)
        for _ in range(3):
            pids = [i["isolation"]["pid"] for i in status(args.hawse, folder).values() if i["isolation"]["pid"]]
            for now, wanted in ((few, 2), (c, 4)):
                path.write_text(json.dumps(now))
                host.send_signal(signal.SIGHUP)
                until = time.monotonic() + 10
                while len(status(args.hawse, folder)) != wanted and time.monotonic() < until:
                    time.sleep(0.05)
                time.sleep(0.3)
            good = good and not any(pathlib.Path(f"/proc/{p}").exists() for p in pids)
        state = status(args.hawse, folder)
        tap.check(good and state.get("isolated", {}).get("state") == "running" and state["beside"]["dropped"] == 0,
                  "reloads end workers and start others", log.read_text()[-1500:])
    finally:
        host.send_signal(signal.SIGTERM)
        tap.check(host.wait(20) == 0, "and the host ends well")


def together(args, tap, folder):
    """A plugin that is lost together with its source comes back behind it, however long that takes. One that prints is
    told of once, with the reason. A file that was overwritten is not run."""
    path, log, rig = folder / "t.json", folder / "log-t", folder / "rig.so"
    shutil.copy(args.rig, rig)
    c = config(folder, rig, 1000000, False)
    c["state_dir"] = str(folder / "state-t")
    c["instances"] = {
        "pulse": {**c["instances"]["pulse"], "isolation": "process", "worker": {"restarts": 0, "backoff_ms": 700}},
        "isolated": {**c["instances"]["isolated"], "settings": {"role": "idle", "events": 1}},
        "talker": {"plugin": str(rig), "settings": {"role": "talker"}, "links": {"pulse": "pulse"}},
    }
    path.write_text(json.dumps(c))
    with log.open("w") as out:
        host = subprocess.Popen([args.hawse, "run", str(path)], stdout=subprocess.DEVNULL, stderr=out)

    def lose(*names):
        """Kills their workers, at once."""
        pids = [i["isolation"]["pid"] for n, i in status(args.hawse, folder).items() if n in names]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def back(name, times):
        return wait_for(log, host, lambda t: len(re.findall(rf"{name} +is back", t)) >= times, time.monotonic() + 10)

    try:
        good = wait_for(log, host, lambda t: re.search(r"talker +running", t), time.monotonic() + 10)
        lose("pulse")
        good = good and back("pulse", 1)
        lose("pulse", "isolated", "talker")  # the source waits 700 ms by now, its readers would be there at once
        good = good and back("pulse", 2) and back("isolated", 1) and back("talker", 1)
        tap.check(good, "those that are lost with their source come back behind it", log.read_text()[-1500:])
        told = re.findall(r"WARN +talker +writes to standard output.*", log.read_text())
        tap.check(len(told) == 1 and "its file is not trusted" in told[0] and '"isolation": "none"' in told[0],
                  "a plugin that prints in a worker is told of, once, with the reason and what to do", told)
        with rig.open("ab") as file:
            file.write(b"more")
        lose("talker")
        off = wait_for(log, host, lambda t: re.search(r"talker +.*was overwritten since it was judged", t),
                       time.monotonic() + 10)
        tap.check(off and status(args.hawse, folder)["talker"]["state"] == "failed",
                  "a file that was overwritten is not run again", log.read_text()[-800:])
    finally:
        host.send_signal(signal.SIGTERM)
        tap.check(host.wait(20) == 0, "and the host ends well")


def frames(args, tap, folder):
    """What is received for a worker is read where it is: who writes there, opens it, keeps it or does not let go is
    named."""
    root = pathlib.Path(__file__).resolve().parents[2]
    path, log, port = folder / "f.json", folder / "log-f", free_port()
    c = config(folder, args.rig.resolve(), 1000000, True)
    c["state_dir"] = str(folder / "state-f")
    c["instances"] = {"pulse": c["instances"]["pulse"], "victim": {
        **c["instances"]["victim"], "settings": {"role": "frames", "events": 1},
        "grants": ["net"], "endpoints": {"ws": f"ws://127.0.0.1:{port}"}}}
    path.write_text(json.dumps(c))
    feed = subprocess.Popen([args.hawse, "feed", str(root / "packaging/quickstart/gnosis-sample.ndjson"), "--speed", "60",
                             "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
    try:
        with log.open("w") as out:
            host = subprocess.Popen([args.hawse, "run", str(path)], stdout=subprocess.DEVNULL, stderr=out)
        wanted = 2 * len(FRAME_WORDS)
        wait_for(log, host, lambda t: t.count("FAULT") > wanted, time.monotonic() + 20)
        host.send_signal(signal.SIGTERM)
        tap.check(host.wait(20) == 0, "the host outlives what is done to received bytes", log.read_text()[-1500:])
    finally:
        feed.terminate()
        feed.wait()
    text = log.read_text(errors="replace")
    seen = re.findall(r"victim +FAULT (\w+)\n(?:.*lines of this plugin.*\n)*.*(?:ERROR|WARN) +victim(.*)", text)
    wrong = [f"{name}: {said}" for name, said in seen if not re.search(FRAME_WORDS[name], said)]
    tap.check({name for name, _ in seen} == set(FRAME_WORDS) and len(seen) >= wanted and not wrong,
              f"{len(seen)} faults with received bytes, each by name", "\n".join(wrong) + text[-1500:])
    tap.check("SURVIVED" not in text and re.search(r"victim +in place", text) is not None,
              "they were read in place, and nothing was changed there", "\n".join(re.findall(r".*SURVIVED.*", text)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def hashes(args, tap, folder):
    """A run in workers, one of them awake while events follow each other, recorded, gives the same outputs when it is
    replayed in process, in workers, and in workers that spin on a CPU of their own."""
    root = pathlib.Path(__file__).resolve().parents[2]
    quickstart = json.loads((root / "packaging/quickstart/quickstart.json").read_text())["instances"]
    port = free_port()
    instances = {name: dict(quickstart[name], isolation="process") for name in ("gnosis", "swapr", "balancer")}
    instances["gnosis"]["endpoints"] = {"ws": f"ws://127.0.0.1:{port}", "http": f"http://127.0.0.1:{port}"}
    instances["ticker"] = {"plugin": "org.hawse.ticker", "isolation": "process", "worker": {"spin_us": 50},
                           "links": {"chain": "gnosis", "swapr": "swapr", "balancer": "balancer"}}
    path, capture = folder / "h.json", folder / "h.hrec"
    path.write_text(json.dumps({"hawse": 1, "plugins": {"path": [str(args.plugins.resolve())]}, "state_dir": str(folder / "state-h"),
                                "record": {"file": str(capture)}, "instances": instances}))
    feed = subprocess.Popen([args.hawse, "feed", str(root / "packaging/quickstart/gnosis-sample.ndjson"), "--speed", "60",
                             "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
    try:
        host = subprocess.Popen([args.hawse, "run", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(8 if args.sanitized else 5)  # a sanitizer starts late
        host.send_signal(signal.SIGTERM)
        words = host.communicate(timeout=20)[1]
    finally:
        feed.terminate()
        feed.wait()
    told = {}
    for way in ("none", "process", "spin"):
        done = subprocess.run([args.hawse, "replay", str(capture), "--isolation", way], capture_output=True, text=True,
                              timeout=60)
        told[way] = (done.returncode, *re.findall(r"outputs \w+: +(\w+)", done.stdout), done.stderr[-300:])
    events = int((re.search(r"(\d+) events", done.stdout) or [0, 0])[1])
    tap.check(events > 300, f"{events} events reached plugins in workers", words[-1500:] + done.stderr)
    tap.check(len(set(told.values())) == 1 and told["none"][0] == 0 and len(set(told["none"][1:3])) == 1,
              "then, in process, in workers and in spinning workers: one hash of all outputs", told)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hawse")
    parser.add_argument("rig", type=pathlib.Path)
    parser.add_argument("plugins", type=pathlib.Path)
    parser.add_argument("--faults", type=int, default=80)
    parser.add_argument("--sanitized", action="store_true")
    args = parser.parse_args()
    # a library's manifest is kept for the life of the process, as the library is
    os.environ.update({"ASAN_OPTIONS": "detect_leaks=0", "TSAN_OPTIONS": "halt_on_error=1"} if args.sanitized else {})
    tap, folder = Tap(), pathlib.Path(tempfile.mkdtemp(prefix="hawse-isolation-"))
    try:
        run(args, tap, folder)
        quarantine(args, tap, folder)
        reloads(args, tap, folder)
        together(args, tap, folder)
        frames(args, tap, folder)
        hashes(args, tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{tap.count}")
    return 1 if tap.bad else 0


if __name__ == "__main__":
    sys.exit(main())
