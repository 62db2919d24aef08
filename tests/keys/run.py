#!/usr/bin/env python3
"""`hawse keys` as an operator meets it: made, imported, listed, rotated, verified; passphrases from a terminal, a file,
the environment and a credential; files that are loose, damaged, renamed; and no key or passphrase in
anything that is printed. Prints TAP.

    run.py HAWSE
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

PASS, NEW = "correct horse battery staple", "an entirely different one"
RAW = "0x" + "4f" * 32
CHEAP = ("--cost", "interactive")


class Trial:
    def __init__(self, hawse):
        self.hawse = str(hawse)
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
        done = subprocess.run([self.hawse, "keys", *map(str, words)], capture_output=True, text=True, timeout=30,
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
            os.execve(self.hawse, [self.hawse, "keys", *words], self.env)
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

    # ---- what may be found ----

    def printed(self):
        found = [word for word in (PASS, NEW, RAW[2:], RAW[2:].upper()) for text in self.said if word in text]
        self.check(f"no key and no passphrase in any of {len(self.said)} outputs", not found, str(found))
        texts = "".join(p.read_text() for p in self.keys.iterdir())
        self.check("nor in the files", PASS not in texts and RAW[2:] not in texts)
        left = [p.name for p in self.keys.iterdir() if p.suffix != ".key"]
        self.check("nothing else is left in the folder", not left, str(left))

    def all(self):
        for part in (self.made, self.verified, self.rotated, self.imported, self.damaged, self.terminal, self.printed):
            part()


def main():
    trial = Trial(pathlib.Path(sys.argv[1]).resolve())
    try:
        trial.all()
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    for n, (name, fault) in enumerate(trial.results, 1):
        if fault:
            print("# " + fault.replace("\n", "\n# "))
        print(f"{'not ' if fault else ''}ok {n} - {name}")
    print(f"1..{len(trial.results)}")
    return 1 if any(fault for _, fault in trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
