#!/usr/bin/env python3
"""A judge of WebSocket clients by RFC 6455 and RFC 7692. For every case it starts the client, which
is to connect to {url}, echo each text and binary message, answer pings and closing frames, and end
when the connection ends. Any client that does so can be judged, whatever it is made of.

    judge.py --client './ws-echo {url}'        {url} = ws://127.0.0.1:{port}/case/{n}
    judge.py --client ... --only 3,17-20 --strict

Prints one line per case: number, sentence, ok / lax / wrong / skip and why; the last line counts.
  ok     the client did what the RFC demands
  lax    it let something pass, or failed less clearly than it should, without harm
  wrong  it took bad for good, good for bad, did not end, or crashed
Exits 1 when anything is wrong, with --strict also when anything is lax."""
import argparse
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import cases_handshake  # noqa: F401  (adds its cases)
from cases import CASES
from wire import Ended, Lax, Peer, Silent, Skip, Wrong


class JudgePeer(Peer):
    """A connection, and what the judge sees of the client beside it."""

    def __init__(self, sock, args, listener, process, keys_seen):
        super().__init__(sock, args.patience)
        self.max_message = args.max_message
        self.listener = listener
        self.process = process
        self.keys_seen = keys_seen

    def comes_back(self, seconds):
        """Does the client open another connection within this time?"""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.listener], [], [], 0.02)[0]:
                return True
        return bool(select.select([self.listener], [], [], 0)[0])

    def notices(self):
        """Does the client end, or come back, in time?"""
        return self.comes_back(self.patience) or self.process.poll() is not None

    def discard_until_end(self):
        deadline = time.monotonic() + self.patience
        try:
            while True:
                self.fill(deadline)
        except Ended:
            return
        except Silent:
            raise Wrong("keeps the connection open") from None


def stop(process):
    """Ends the client, gently first. Returns the signal it died of by itself, or 0."""
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return 0
    return -process.returncode if process.returncode < 0 else 0


def drain(listener):
    """Connections that a client opened on its own account after its case was over."""
    while select.select([listener], [], [], 0)[0]:
        listener.accept()[0].close()


def connect(listener, process, patience):
    """The client's connection; it may be slow to start, but must not have died."""
    deadline = time.monotonic() + patience + 10
    while time.monotonic() < deadline:
        if select.select([listener], [], [], 0.05)[0]:
            return listener.accept()[0]
        if process.poll() is not None and not select.select([listener], [], [], 0)[0]:
            raise Wrong(f"ended with {process.returncode} without connecting")
    raise Wrong("does not connect")


def hold(function, upgraded, peer):
    if upgraded:
        peer.read_request()
        peer.upgrade()
    function(peer)


def judge(number, args, listener, keys_seen):
    """One case. Returns the verdict and, unless it is ok, the reason."""
    _, function, upgraded = CASES[number - 1]
    port = listener.getsockname()[1]
    fill = {"port": port, "n": number, "url": f"ws://127.0.0.1:{port}/case/{number}"}
    command = [part.format(**fill) for part in shlex.split(args.client)]
    output = None if args.verbose else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    sock, peer, verdict, reason = None, None, "ok", ""
    try:
        sock = connect(listener, process, args.patience)
        peer = JudgePeer(sock, args, listener, process, keys_seen)
        hold(function, upgraded, peer)
    except Skip as e:
        verdict, reason = "skip", str(e)
    except Lax as e:
        verdict, reason = "lax", str(e)
    except Wrong as e:
        verdict, reason = "wrong", str(e)
    except Ended:
        verdict, reason = "wrong", "closed too early"
    except Silent:
        verdict, reason = "wrong", "says nothing"
    finally:
        if sock:
            sock.close()
        died_of = stop(process)
        drain(listener)
    if peer and "sec-websocket-key" in peer.headers:
        keys_seen.add(peer.headers["sec-websocket-key"])
    if died_of:
        verdict, reason = "wrong", f"crashed: {signal.Signals(died_of).name}"
    return verdict, reason


def chosen(text):
    numbers = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match or not 1 <= int(match[1]) <= int(match[2] or match[1]) <= len(CASES):
            raise argparse.ArgumentTypeError(f"{part!r}: cases are 1 to {len(CASES)}")
        numbers += range(int(match[1]), int(match[2] or match[1]) + 1)
    return numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", help="command; {url}, {port} and {n} are filled in")
    parser.add_argument("--port", type=int, default=0, help="listen here; 0 = any free port")
    parser.add_argument("--only", type=chosen, default=range(1, len(CASES) + 1))
    parser.add_argument("--patience", type=float, default=5, help="seconds to wait for anything")
    parser.add_argument("--max-message", type=int, default=16 << 20,
                        help="bytes of one message that the client is set to take")
    parser.add_argument("--strict", action="store_true", help="lax counts as a failure")
    parser.add_argument("--quiet", action="store_true", help="only what is not ok")
    parser.add_argument("--verbose", action="store_true", help="show what the client prints")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        for number, (sentence, _, _) in enumerate(CASES, 1):
            print(f"{number:4}  {sentence}")
        return 0
    if not args.client:
        parser.error("--client is needed")
    if not shutil.which(shlex.split(args.client)[0]):
        parser.error(f"no such program: {shlex.split(args.client)[0]}")
    counts = {"ok": 0, "lax": 0, "wrong": 0, "skip": 0}
    keys_seen = set()
    with socket.create_server(("127.0.0.1", args.port)) as listener:
        for number in args.only:
            verdict, reason = judge(number, args, listener, keys_seen)
            counts[verdict] += 1
            if verdict != "ok" or not args.quiet:
                why = f" ({reason})" if reason else ""
                print(f"{number:4}  {verdict:5}  {CASES[number - 1][0]}{why}", flush=True)
    if counts["skip"]:
        print(f"{counts['skip']} skipped")
    print(f"{counts['ok']} ok, {counts['lax']} lax, {counts['wrong']} wrong")
    return 1 if counts["wrong"] or (args.strict and counts["lax"]) or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
