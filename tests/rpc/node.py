#!/usr/bin/env python3
"""Starts a real node on loopback, of chain 100, and lets the pool's trial ask it: node.py RPC-TRIAL ANVIL"""
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from trials import free_port, until  # noqa: E402


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def main():
    trial, anvil = sys.argv[1:]
    port = free_port()
    node = subprocess.Popen([anvil, "--port", str(port), "--chain-id", "100", "--accounts", "1", "--silent"])
    try:
        until(lambda: listens(port), 20)
        return subprocess.run([trial, "--node", str(port)], timeout=30).returncode
    finally:
        node.kill()
        node.wait()


if __name__ == "__main__":
    sys.exit(main())
