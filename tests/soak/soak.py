#!/usr/bin/env python3
"""A soak: the host reads a feed through a proxy that cuts every connection each 20 s; memory and descriptors are
sampled. After the warm-up neither may grow.   soak.py HAWSE PLUGIN_DIR SECONDS"""
import asyncio
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CUT_S, SPEED = 20, 40


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def proxy(port, target, until):
    """Relays, and resets everything every CUT_S seconds."""
    live = set()

    async def relay(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def on_client(reader, writer):
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", target)
        except ConnectionError:
            writer.close()
            return
        pair = (writer, back_writer)
        live.add(pair)
        await asyncio.gather(relay(reader, back_writer), relay(back_reader, writer))
        live.discard(pair)

    server = await asyncio.start_server(on_client, "127.0.0.1", port)
    cuts = 0
    while time.monotonic() < until:
        await asyncio.sleep(min(CUT_S, max(0.1, until - time.monotonic())))
        for pair in list(live):
            for writer in pair:
                writer.transport.abort()
        cuts += 1
    server.close()
    return cuts


def sample(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    rss = int(status.split("VmRSS:")[1].split()[0])
    return time.monotonic(), rss, len(os.listdir(f"/proc/{pid}/fd"))


async def sampler(pid, until, samples):
    while time.monotonic() < until:
        samples.append(sample(pid))
        await asyncio.sleep(5)


def slope(samples):
    """Least squares, kB an hour."""
    n = len(samples)
    mean_t = sum(s[0] for s in samples) / n
    mean_m = sum(s[1] for s in samples) / n
    top = sum((s[0] - mean_t) * (s[1] - mean_m) for s in samples)
    bottom = sum((s[0] - mean_t) ** 2 for s in samples) or 1
    return top / bottom * 3600


def main():
    hawse, plugins = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:3])
    seconds = float(sys.argv[3])
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-soak-"))
    feed_port, port = free_port(), free_port()
    feed = subprocess.Popen([hawse, "feed", str(ROOT / "packaging/quickstart/gnosis-sample.ndjson"),
                             "--speed", str(SPEED), "--listen", f"127.0.0.1:{feed_port}"],
                            stdout=subprocess.DEVNULL)
    config = json.loads((ROOT / "packaging/quickstart/quickstart.json").read_text())
    config["plugins"]["path"] = [plugins]
    config["state_dir"] = str(folder / "state")
    config["log"] = {"level": "error"}
    config.pop("http")
    config["control"] = {"socket": str(folder / "c.sock")}
    for other in ("solana", "poly"):  # this is about one chain that breaks
        config["instances"].pop(other)
    config["instances"]["ticker"]["links"] = {"chain": "gnosis", "venue": "swapr"}
    chain = config["instances"]["gnosis"]
    chain["endpoints"] = {"ws": {"url": f"ws://127.0.0.1:{port}", "backoff_max_ms": 500},
                          "http": f"http://127.0.0.1:{port}"}
    (folder / "c.json").write_text(json.dumps(config))
    until = time.monotonic() + seconds
    samples = []

    async def everything():
        relay = asyncio.create_task(proxy(port, feed_port, until))
        await asyncio.sleep(0.5)
        process = subprocess.Popen([hawse, "run", str(folder / "c.json")])
        await sampler(process.pid, until, samples)
        return process, await relay

    try:
        process, cuts = asyncio.run(everything())
        done = subprocess.run([hawse, "status", "--json", "--socket", str(folder / "c.sock")],
                              capture_output=True, text=True)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)
    finally:
        feed.kill()
        shutil.rmtree(folder, ignore_errors=True)
    status = json.loads(done.stdout)
    warm = samples[len(samples) // 3:]
    grow = slope(warm)
    fds = [s[2] for s in warm]
    events = sum(i["events_in"] for i in status["instances"])
    print(f"# {seconds:.0f} s, {cuts} cuts, {status['streams'][0]['connects']} connections, {events} "
          f"events; memory {warm[0][1]} to {warm[-1][1]} kB, slope {grow:.0f} kB/h; descriptors "
          f"{min(fds)} to {max(fds)}; exit {code}")
    checks = [("memory grows by less than 1 MB an hour after the warm-up", grow < 1024),
              ("no descriptor leaks", max(fds) - min(fds) <= 4), ("it stops cleanly", code == 0)]
    for n, (name, good) in enumerate(checks, 1):
        print(f"{'' if good else 'not '}ok {n} - {name}")
    print(f"1..{len(checks)}")
    return 0 if all(good for _, good in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
