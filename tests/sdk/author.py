#!/usr/bin/env python3
"""An author's first venue, as its author makes it. hawse is installed into a folder of its own and this source tree is
hidden; `hawse new venue --of contract` scaffolds, the author's parts (author/) go in, and what comes out is built by
pkg-config against the installed SDK, tested, checked by the conformance kit, and run by the installed host beside a real
node with Uniswap's own pair, where its trades must equal the receipts. The author may write 150 lines. Prints TAP.

    author.py BUILD          installs from a build folder of meson
    author.py --root FOLDER  takes what is installed there, as by dpkg --root
"""
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from trials import report  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LINES = 150
NAME = "my-pair"


def hidden():
    """What runs a command where the source tree is an empty folder; [] when this user may not mount."""
    words = ["unshare", "-m", "--propagation", "private", "sh", "-ec",
             f'mount -t tmpfs -o ro none "{ROOT}"; cd "$1"; shift; exec "$@"', "sh"]
    able = subprocess.run([*words, "/", "true"], capture_output=True).returncode == 0
    return words if able else []


class Author:
    def __init__(self, build, root):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-author-"))
        self.results = []
        self.wrap = hidden()
        if build:
            root = self.folder / "root"
            done = subprocess.run(["meson", "install", "-C", str(build), "--destdir", str(root), "--quiet"],
                                  capture_output=True, text=True)
            self.check("it installs", done.returncode == 0, done.stdout + done.stderr)
        self.hawse = next(root.rglob("bin/hawse"))
        self.plugins = next(root.rglob("gnosis.so")).parent
        config = next(root.rglob("hawse-sdk.pc"))
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(config.parent), "PKG_CONFIG_SYSROOT_DIR": str(root),
                    "HAWSE": str(self.hawse), "CFLAGS": "-O2 -Werror"}

    def check(self, name, good, detail=""):
        self.results.append((f"author: {name}", None if good else str(detail)[-1500:]))
        return good

    def run(self, name, *words, cwd):
        prefix = [*self.wrap, str(cwd)] if self.wrap else []
        done = subprocess.run([*prefix, *map(str, words)], cwd=None if prefix else cwd, env=self.env, text=True,
                              capture_output=True, timeout=120)
        self.check(name, done.returncode == 0, done.stdout + done.stderr)
        return done.stdout

    def write(self, at):
        """The author's files take the place of the scaffold's; returns the lines that are the author's."""
        lines = 0
        for file in sorted((HERE / "author").iterdir()):
            before = (at / file.name).read_text().splitlines()
            after = file.read_text().splitlines()
            lines += sum(line.startswith("+ ") for line in difflib.ndiff(before, after))
            shutil.copy(file, at)
        return lines

    def make(self):
        self.run("a venue is scaffolded", self.hawse, "new", "venue", f"org.author.{NAME}", "--of", "contract",
                 cwd=self.folder)
        at = self.folder / NAME
        lines = self.write(at)
        print(f"# {lines} lines are the author's own" + ("" if self.wrap else "; the source tree could not be hidden"))
        self.check(f"the author writes at most {LINES} lines: {lines}", lines <= LINES)
        self.run("it builds from the installed SDK alone", "make", cwd=at)
        self.run("its own test passes", "make", "test", cwd=at)
        said = self.run("it passes the conformance kit", "make", "check", cwd=at)
        self.check("without a warning", ", 0 warnings, 0 failed, 0 crashed" in said, said)
        print("# " + (said.strip().splitlines() or [""])[-1])
        return at / f"{NAME}.so"

    def trade(self, plugin):
        env = {**os.environ, "HAWSE_BIN": str(self.hawse), "HAWSE_PLUGIN_DIR": str(self.plugins)}
        done = subprocess.run(["node", ROOT / "tests/e2e/pair.mjs", "--plugin", plugin, "--setting", "contract",
                               "--swaps", "60"], capture_output=True, text=True, env=env, timeout=120)
        for line in done.stdout.splitlines():
            if line.startswith(("ok ", "not ok ")):
                self.check("beside the real pair: " + line.split(" - pair: ")[1], line.startswith("ok "), done.stdout)
        self.check("beside the real pair it ran to its end", done.returncode == 0, done.stdout + done.stderr)


def main():
    root = pathlib.Path(sys.argv[2]).resolve() if sys.argv[1] == "--root" else None
    author = Author(None if root else pathlib.Path(sys.argv[1]).resolve(), root)
    try:
        author.trade(author.make())
    finally:
        shutil.rmtree(author.folder, ignore_errors=True)
    return 1 if report(author.results) else 0


if __name__ == "__main__":
    sys.exit(main())
