#!/usr/bin/env python3
"""`hawse keys` as an operator meets it: made, imported, listed, rotated, verified; passphrases from a terminal, a file,
the environment and a credential; files that are loose, damaged, renamed; configurations that use them; the signer in a
process of its own; and no key or passphrase in anything that is printed, nor in the memory, the environment or a core
of a process that signs. Prints TAP.

    run.py HAWSE
"""
import json
import os
import pathlib
import pty
import re
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import report  # noqa: E402

PASS, NEW = "correct horse battery staple", "an entirely different one"
RAW = "0x" + "4f" * 32
CHEAP = ("--cost", "interactive")


class Trial:
    def __init__(self, hawse):
        self.program = str(hawse)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-keys-"))
        self.keys = self.folder / "keys"
        self.results, self.said = [], []
        self.env = {**os.environ, "HAWSE_KEYS": str(self.keys), "T_PASS": PASS, "T_NEW": NEW,
                    "CREDENTIALS_DIRECTORY": str(self.folder)}
        self.pass_file = self.secret("pass", PASS + "\n")
        self.secret("bot", PASS)

    def secret(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def check(self, name, good, detail=""):
        self.results.append((name, None if good else detail or "it is not so"))

    def run(self, *words, env=None):
        done = subprocess.run([self.program, "keys", *map(str, words)], capture_output=True, text=True, timeout=30,
                              env={**self.env, **(env or {})}, cwd=self.folder, stdin=subprocess.DEVNULL,
                              start_new_session=True)
        self.said.append(done.stdout + done.stderr)
        return done

    def expect(self, name, words, code, pattern="", env=None):
        done = self.run(*words, env=env)
        text = done.stdout + done.stderr
        self.check(name, done.returncode == code and re.search(pattern, text),
                   f"exit {done.returncode}, expected {code} and /{pattern}/: {text[-600:]}")
        return done

    def info(self, name):
        return json.loads(self.run("export-public", name, "--json").stdout)

    # ---- what is tried ----

    def made(self):
        self.expect("list without a folder says how to make one", ("list",), 1, r"cannot open the folder.*\n.*keys new")
        self.expect("a key is made", ("new", "bot", "--chain", "137", "--chain", "100", *CHEAP,
                                      "--passphrase-file", self.pass_file), 0, r"0x[0-9a-fA-F]{40}")
        self.expect("an Ed25519 key is made", ("new", "sol", "--kind", "ed25519", "--testnet-only", *CHEAP,
                                               "--passphrase-from", "env:T_PASS"), 0, r"ed25519 +\w{32,44} .*testnet-only")
        self.check("the folder has mode 0700 and the files 0600",
                   self.keys.stat().st_mode & 0o7777 == 0o700
                   and all(p.stat().st_mode & 0o7777 == 0o600 for p in self.keys.iterdir()))
        self.bot = self.info("bot")
        self.check("its public part is exported", self.bot["chains"] == ["eip155:137", "eip155:100"]
                   and len(self.bot["public"]) == 128 and not self.bot["testnet_only"], str(self.bot))
        rows = json.loads(self.run("list", "--json").stdout)
        self.check("list --json tells of all", [r["name"] for r in rows] == ["bot", "sol"], str(rows))
        self.expect("a name that is taken is refused", ("new", "bot", *CHEAP, "--passphrase-from", "env:T_PASS"), 1,
                    "there already")
        self.expect("a short passphrase is refused", ("new", "x", *CHEAP, "--passphrase-from", "env:SHORT"), 1,
                    "expected at least 12", env={"SHORT": "elevenbytes"})
        self.expect("a bad name is refused", ("new", "../x", *CHEAP, "--passphrase-from", "env:T_PASS"), 1, "a key's name")
        self.expect("a chain that is none is refused", ("new", "x", "--chain", "goerli"), 1, "names no chain")
        self.expect("a kind that is none is refused", ("new", "x", "--kind", "rsa"), 1, "expected secp256k1 or ed25519")
        self.expect("a passphrase on the command line is refused and not repeated",
                    ("new", "x", "--passphrase-from", PASS), 1, "found no source of a passphrase")
        self.expect("nor is there an option for one", ("new", "x", f"--passphrase={PASS}"), 2, "has no option --passphrase\n")

    def verified(self):
        for source in ("env:T_PASS", f"file:{self.pass_file}", "credential:bot"):
            self.expect(f"verify by {source.split(':')[0]}", ("verify", "bot", "--passphrase-from", source), 0)
        self.expect("verify all", ("verify", "--passphrase-file", self.pass_file), 0, r"(?s)bot.*sol")
        self.expect("a wrong passphrase is told", ("verify", "bot", "--passphrase-from", "env:T_NEW"), 1,
                    "passphrase is wrong, or the file was changed")
        self.expect("an empty variable is told", ("verify", "bot", "--passphrase-from", "env:NONE"), 1, "NONE is not set")
        self.expect("without a terminal it says what to do", ("verify", "bot"), 1, "no terminal to ask on")
        self.expect("a key that is not there is told", ("verify", "none", "--passphrase-from", "env:T_PASS"), 1, "keys list")

    def rotated(self):
        before = (self.keys / "bot.key").read_bytes()
        self.expect("a wrong passphrase rotates nothing", ("rotate", "bot", "--passphrase-from", "env:T_NEW",
                                                           "--new-passphrase-from", "env:T_NEW"), 1)
        self.check("the file is as it was", (self.keys / "bot.key").read_bytes() == before)
        self.expect("rotate says what it does not do", ("rotate", "bot", "--passphrase-from", "env:T_PASS", *CHEAP,
                                                        "--new-passphrase-from", "env:T_NEW", "--chain", "any"), 0,
                    "rotation does not help")
        after = self.info("bot")
        self.check("the key is the same, its lock is off", after["public"] == self.bot["public"] and after["chains"] == []
                   and after["created"] == self.bot["created"], str(after))
        self.expect("the old passphrase opens it no more", ("verify", "bot", "--passphrase-from", "env:T_PASS"), 1)
        self.expect("the new one does", ("verify", "bot", "--passphrase-from", "env:T_NEW"), 0)

    def imported(self):
        raw = self.secret("raw", RAW + "\n")
        self.expect("raw hexadecimal is imported", ("import", "raw", raw, *CHEAP, "--passphrase-from", "env:T_PASS"), 0,
                    "remove it when")
        self.expect("the same key again is refused", ("import", "raw2", raw, *CHEAP, "--passphrase-from", "env:T_PASS"), 1,
                    "here already, as \"raw\"")
        loose = self.secret("loose", RAW, 0o644)
        self.expect("a file that others can read is refused", ("import", "x", loose), 1, "chmod 600")
        self.expect("what is no key is refused", ("import", "x", self.pass_file), 1, "no private key in hexadecimal")
        vectors = json.loads((pathlib.Path(__file__).parents[1] / "vectors" / "v3-keystores.json").read_text())["cases"]
        for n, case in enumerate(vectors[:3:2]):
            path = self.secret(f"v3-{n}", case["keystore"])
            self.expect(f"a V3 keystore of {case['name']} is imported",
                        ("import", f"v3-{n}", path, *CHEAP, "--passphrase-from", "env:T_PASS",
                         "--import-passphrase-from", "env:V3"), 0, case["address"], env={"V3": case["password"]})
        self.expect("its wrong passphrase is told", ("import", "x", path, "--import-passphrase-from", "env:T_NEW"), 1,
                    "passphrase of the V3 keystore is wrong")

    def damaged(self):
        path = self.keys / "sol.key"
        whole = path.read_text()
        path.write_text(whole.replace("testnet_only\":true", "testnet_only\":null"))
        done = self.expect("a damaged file is told by list, the others are listed", ("list",), 1,
                           r"sol.*damaged: its sum is another")
        self.check("the others are there", "raw" in done.stdout and "sol" not in done.stdout)
        path.write_text(whole)
        (self.keys / "bot.key").rename(self.keys / "other.key")
        self.expect("a file that was renamed is told", ("list",), 1, "file of key \"other\" holds key \"bot\"")
        (self.keys / "other.key").rename(self.keys / "bot.key")
        self.keys.chmod(0o755)
        self.expect("a loose folder is refused with the fix", ("list",), 1, r"open to others.*\n.*chmod 700")
        self.keys.chmod(0o700)
        path.chmod(0o640)
        self.expect("a loose file is refused with the fix", ("list",), 1, r"open to others.*\n.*chmod 600")
        path.chmod(0o600)
        self.expect("all is well again", ("list",), 0)

    # ---- the terminal ----

    def typed(self, words, lines):
        """Runs with a terminal, types each line when it is asked for; what the terminal showed, and the exit code."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(self.program, [self.program, "keys", *words], self.env)
        shown, asked = b"", 0
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            try:
                more = os.read(fd, 4096)
            except OSError:
                break
            if not more:
                break
            shown += more
            if asked < len(lines) and shown.count(b": ") > 0 and re.search(rb"assphrase[^\n]*: $", shown):
                os.write(fd, lines[asked])
                shown += b"<typed>"
                asked += 1
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        text = shown.decode(errors="replace")
        self.said.append(text)
        return text, os.waitstatus_to_exitcode(status)

    def terminal(self):
        text, code = self.typed(["new", "typed", *CHEAP], [PASS.encode() + b"\n", PASS.encode() + b"\n"])
        self.check("a passphrase is asked for twice, without echo", code == 0 and text.count("<typed>") == 2
                   and PASS not in text, f"{code}: {text}")
        text, code = self.typed(["new", "t2", *CHEAP], [PASS.encode() + b"\n", b"something else\n"])
        self.check("two that differ are refused", code == 1 and "not the same" in text, f"{code}: {text}")
        text, code = self.typed(["verify", "typed"], [b"wroonng\x7f\n", PASS.encode() + b"x\x7f\n"])
        self.check("a wrong one is asked for again, after a wait; backspace works", code == 0
                   and "passphrase is wrong" in text, f"{code}: {text}")
        text, code = self.typed(["verify", "typed"], [b"abc\x03"])
        self.check("Ctrl-C ends it", code == 1 and "canceled" in text, f"{code}: {text}")

    # ---- configurations ----

    def hawse(self, *words, env=None):
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, timeout=30,
                              env={**self.env, **(env or {})}, cwd=self.folder, stdin=subprocess.DEVNULL)
        self.said.append(done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def config(self, keys):
        path = self.folder / "hawse.json"
        path.write_text(json.dumps({"hawse": 1, "instances": {}, "keys": keys}))
        return path

    def configured(self):
        use = {"bot": {"unlock": "env:T_NEW", "chains": [137]}, "sol": {"unlock": "file:pass"}}
        path = self.config({"dir": "keys", "use": use})
        code, text = self.hawse("config", "check", path)
        self.check("config check looks at the files of keys", code == 0, text)
        code, text = self.hawse("config", "explain", path, "keys")
        self.check("config explain shows their addresses", code == 0 and self.bot["address"] in text, text)
        code, text = self.hawse("config", "check", self.config({"dir": "keys", "use": {"botty": {}}}))
        self.check("a key that is not there is told", code == 1 and "botty.key" in text, text)
        path = self.config({"dir": "keys", "use": use})
        process = subprocess.Popen([self.program, "run", str(path)], env=self.env, cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = ""
        for line in process.stdout:
            text += line
            if "key sol is" in line:
                break
        process.send_signal(signal.SIGTERM)
        text += process.communicate(timeout=20)[0]
        self.said.append(text)
        self.check("run unlocks them at its start, with the tighter lock", process.returncode == 0
                   and f"key bot is secp256k1 {self.bot['address']}, locked to eip155:137" in text
                   and "key sol is ed25519" in text and "for test networks only" in text, text)
        code, text = self.hawse("run", self.config({"dir": "keys", "use": {"bot": {"unlock": "env:T_PASS"}}}))
        self.check("run does not start with a wrong passphrase", code == 1 and "passphrase is wrong" in text, text)

    # ---- the signer ----

    def start_signer(self, *words, env=None):
        path = self.folder / "signer.sock"
        process = subprocess.Popen([self.program, "signer", *words, "--socket", str(path)], text=True, cwd=self.folder,
                                   env=self.env if env is None else env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        line = process.stdout.readline()
        self.said.append(line)
        self.check("the signer says that it is there", "keys on" in line, line)
        return process, path

    def stop_signer(self, process):
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=20)
        self.said.append(text)
        return text

    @staticmethod
    def ask(link, body):
        link.sendall(struct.pack("<I", len(body)) + body)
        size = struct.unpack("<I", link.recv(4, socket.MSG_WAITALL))[0]
        return link.recv(size, socket.MSG_WAITALL)

    def signer(self):
        process, path = self.start_signer("bot=env:T_NEW", "raw", "--passphrase-from", "env:T_PASS")
        self.check("its socket has mode 0600", path.stat().st_mode & 0o7777 == 0o600)
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(5)
            link.connect(str(path))
            keys = self.ask(link, b"\1" + struct.pack("<I", 1))
            self.check("it tells its keys", keys[:7] == b"\x81" + struct.pack("<IH", 1, 2)
                       and bytes.fromhex(self.bot["public"]) in keys, keys.hex())
            answer = self.ask(link, b"\2" + struct.pack("<I", 7) + b"\3bot" + b"\x0aeip155:137" + b"\x20\0" + b"d" * 32)
            self.check("it signs", answer[:5] == b"\x82" + struct.pack("<I", 7) and len(answer) == 70, answer.hex())
        config = self.config({"signer": {"socket": "signer.sock"}, "use": {"bot": {}}})
        code, text = self.hawse("config", "explain", config, "keys")
        self.check("a configuration that uses it shows addresses", code == 0 and self.bot["address"] in text, text)
        code, text = self.hawse("signer", "bot", "--socket", path, "--passphrase-from", "env:T_NEW")
        self.check("a second signer on its socket is refused", code == 1 and "in use by another hawse signer" in text, text)
        text = self.stop_signer(process)
        self.check("it ends with what it did, and its socket goes", process.returncode == 0
                   and "1 signatures, 0 refused" in text and not path.exists(), text)
        code, text = self.hawse("config", "check", config)
        self.check("without it a configuration is told so", code == 1 and "is away" in text and "hawse signer --dir" in text,
                   text)

    # ---- what may be found ----

    def places(self, pid, words):
        """Which of these bytes lie anywhere in a process's memory."""
        found = set()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
                if "[v" in line or " r-x" in line:
                    continue
                begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                try:
                    memory.seek(begin)
                    data = memory.read(end - begin)
                except (OSError, ValueError):
                    continue
                found |= {name for name, word in words.items() if word in data}
        return found

    def memory(self):
        """A key and a passphrase that nobody else has, in a process that has signed with them."""
        key, passphrase = secrets.token_bytes(32), "k" + secrets.token_hex(16)
        env = {"PATH": os.environ["PATH"], "LEAK": passphrase}
        self.run("import", "known", self.secret("known", key.hex()), *CHEAP, "--passphrase-from", "env:LEAK", env=env)
        public = bytes.fromhex(self.info("known")["public"])
        process, path = self.start_signer("known", "--dir", str(self.keys), "--passphrase-from", "env:LEAK", env=env)
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(path))
            self.ask(link, b"\1" + struct.pack("<I", 1))
            for n in range(20):
                self.ask(link, b"\2" + struct.pack("<I", n) + b"\5known" + b"\0" + b"\x20\0" + bytes([n]) * 32)
        words = {"key": key, "key backwards": key[::-1], "key in hex": key.hex().encode(), "public": public,
                 "passphrase": passphrase.encode()}
        try:
            found = self.places(process.pid, words)
        except PermissionError as error:
            self.check(f"nothing secret in memory # SKIP {error}", True)
        else:
            self.check("the public key is found in the memory of the signer", "public" in found, str(found))
            self.check("the private key and the passphrase are nowhere in it", not found - {"public"}, str(found))
        try:
            environment = pathlib.Path(f"/proc/{process.pid}/environ").read_bytes()
            self.check("nor is the passphrase in its environment", passphrase.encode() not in environment)
        except PermissionError as error:
            self.check(f"nor is the passphrase in its environment # SKIP {error}", True)
        self.core(process, words)
        process.send_signal(signal.SIGABRT)
        self.said.append(process.communicate(timeout=20)[0])
        cores = [p.name for p in self.folder.iterdir() if p.name.startswith("core")]
        self.check("when it is aborted it leaves no core file", process.returncode == -signal.SIGABRT and not cores,
                   f"{process.returncode} {cores}")
        path.unlink(missing_ok=True)

    def core(self, process, words):
        dump = self.folder / "dump"
        done = subprocess.run(["gcore", "-o", str(dump), str(process.pid)], capture_output=True, timeout=60) \
            if shutil.which("gcore") else None
        files = list(self.folder.glob("dump.*"))
        if not done or not files:
            self.check("nothing secret in a debugger's core # SKIP gcore is not here, or may not", True)
            return
        data = files[0].read_bytes()
        files[0].unlink()
        found = {name for name, word in words.items() if word in data}
        self.check("nor is anything in a core that a debugger makes", found == {"public"}, str(found))


    def printed(self):
        found = [word for word in (PASS, NEW, RAW[2:], RAW[2:].upper()) for text in self.said if word in text]
        self.check(f"no key and no passphrase in any of {len(self.said)} outputs", not found, str(found))
        texts = "".join(p.read_text() for p in self.keys.iterdir())
        self.check("nor in the files", PASS not in texts and RAW[2:] not in texts)
        left = [p.name for p in self.keys.iterdir() if p.suffix != ".key"]
        self.check("nothing else is left in the folder", not left, str(left))

    def all(self):
        for part in (self.made, self.verified, self.rotated, self.imported, self.damaged, self.terminal, self.configured,
                     self.signer, self.memory, self.printed):
            part()


def main():
    trial = Trial(pathlib.Path(sys.argv[1]).resolve())
    try:
        trial.all()
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return 1 if report(trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
