#!/usr/bin/env python3
"""The author's guide, line by line: its configuration is written, and each of its commands is run, in their order, by the
shell of somebody who has the installed hawse alone. Prints TAP.

    guide.py BUILD       installs from a build folder of meson
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import free_port, report  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "sdk/doc/guide.md"
NEEDS_A_NODE = {"hawse run my.json"}  # of a provider: no test asks one
PORT = "18545"  # of a feed that is not told another


def parts(text):
    """(kind, text) in the order of the page: "file" (a block of JSON) or "command" (an indented line)."""
    for block in re.finditer(r"^```json\n(.*?)^```$|^ {4}(\S[^\n]*)$", re.sub(r"^```c\n.*?^```$", "", text, flags=re.S | re.M),
                             flags=re.S | re.M):
        yield ("file", block[1]) if block[1] else ("command", re.sub(r"\s+# .*", "", block[2]))


def script(port, rename=()):
    """The page as a script of the shell, which says what it does and ends at the first command that fails."""
    lines = ["set -ex", "feed=", "trap 'kill $feed' EXIT"]
    commands = 0
    for kind, text in parts(GUIDE.read_text()):
        for old, new in ((PORT, str(port)), *rename):
            text = text.replace(old, new)
        if kind == "file":
            lines.append(f"cat > my.json <<'END'\n{text}END")
        elif text not in NEEDS_A_NODE:
            commands += 1
            if text.startswith("hawse feed"):
                text = text.replace(" &", f" --listen 127.0.0.1:{port} >feed.log &") + \
                    "\nfeed=$!\nfor i in $(seq 100); do grep -q ^feed: feed.log && break; sleep 0.1; done"
            lines.append(text)
    return "\n".join(lines), commands


def judge(check, commands, folder, done):
    """What must be there when all of it was run. `folder` as seen from here."""
    check(f"{commands} commands of the guide, one after the other", done.returncode == 0 and commands >= 12,
          done.stderr[-1500:] + done.stdout[-500:])
    score = folder / "score.json"
    text = score.read_text() if score.exists() else ""
    tried = re.findall(r'"case":\s*(509|510),[^}]*?"verdict":\s*"pass"', text)
    check("its score has the cases that need a recording", set(tried) == {"509", "510"}, text[-600:])


class Trial:
    def __init__(self, build):
        self.folder, self.results = pathlib.Path(tempfile.mkdtemp(prefix="hawse-guide-")), []
        root = self.folder / "root"
        done = subprocess.run(["meson", "install", "-C", str(build), "--destdir", str(root), "--quiet"],
                              capture_output=True, text=True)
        self.check("it installs", done.returncode == 0, done.stdout + done.stderr)
        docs = next(root.rglob("guide.md")).parent
        self.rename = (("/usr/share/doc/hawse", str(docs)),
                       ("/usr/share/doc/libhawse-sdk-dev/examples", str(ROOT / "sdk/examples")))
        self.env = {**os.environ, "PATH": f"{next(root.rglob('bin/hawse')).parent}:{os.environ['PATH']}",
                    "PKG_CONFIG_PATH": str(next(root.rglob("hawse-sdk.pc")).parent), "PKG_CONFIG_SYSROOT_DIR": str(root),
                    "HAWSE_PLUGIN_PATH": str(next(root.rglob("gnosis.so")).parent)}

    def check(self, name, good, detail=""):
        self.results.append((f"guide: {name}", None if good else str(detail)[-2000:]))

    def follow(self):
        text, commands = script(free_port(), self.rename)
        at = self.folder / "author"
        at.mkdir()
        done = subprocess.run(["sh", "-c", text], cwd=at, env=self.env, text=True, capture_output=True, timeout=240)
        judge(self.check, commands, at, done)


def main():
    trial = Trial(pathlib.Path(sys.argv[1]).resolve())
    try:
        trial.follow()
    finally:
        shutil.rmtree(trial.folder, ignore_errors=True)
    return 1 if report(trial.results) else 0


if __name__ == "__main__":
    sys.exit(main())
