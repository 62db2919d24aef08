#!/usr/bin/env python3
"""The packages in a root that was never used: debootstrap's smallest Debian, a compiler, make and pkg-config, and what apt
fetches because the packages say so. An author's first venue is made in it (tests/sdk/author.py) and runs beside the real
pair, the broken plugins are built and withstood in it, and after an upgrade and a purge nothing is left that was not there
before. Needs root, and a mirror of Debian. Prints TAP.

    fresh.py FOLDER [--mirror URL]      with the packages that packaging/deb made
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "sdk")]

import author  # noqa: E402
import guide  # noqa: E402
from trials import free_port, report  # noqa: E402

NAMES = ["hawse", "hawse-plugins", "libhawse-sdk-dev", "hawse-doc"]
TOOLS = "gcc,libc6-dev,make,pkg-config,ca-certificates"
# what the system itself keeps of what happened, what Debian never takes away (users of packages), and what systemd, which
# has the tools for users and folders, makes of a machine
KEPT = re.compile(r"/(proc|sys|dev|run|tmp|packages|home|var/(log|cache|lib/(apt|dpkg|systemd/deb-systemd-helper-enabled)))(/|$)"
                  r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/etc/(ld\.so\.cache|machine-id|mtab)$")


class Fresh(author.Author):
    """An author who lives in that root."""
    def __init__(self, root, trial):
        self.root, self.folder, self.results = root, root / "home", []
        self.trial = trial  # a folder of the same name inside and outside
        self.hawse = pathlib.Path("/usr/bin/hawse")
        self.wrap, self.hidden = ["chroot", str(root)], True
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home", "LANG": "C", "DEBIAN_FRONTEND": "noninteractive"}

    def run(self, name, *words, cwd="/", limit=300):
        inside = "/" + str(pathlib.Path(cwd).relative_to(self.root)) if str(cwd).startswith(str(self.root)) else str(cwd)
        command = [*self.wrap, "sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", inside, *map(str, words)]
        done = subprocess.run(command, env=self.env, text=True, capture_output=True, timeout=limit)
        self.check(name, done.returncode == 0, done.stdout + done.stderr)
        return done.stdout

    def trade(self, plugin):
        """The node and its clients are outside, the host inside; they meet on the loopback."""
        program = self.trial / "hawse"
        program.write_text(f'#!/bin/sh\nexec chroot {self.root} /usr/bin/hawse "$@"\n')
        program.chmod(0o755)
        self.hawse = program
        self.plugins = "/" + str(next((self.root / "usr/lib").rglob("gnosis.so")).parent.relative_to(self.root))
        os.environ["TMPDIR"] = str(self.trial)
        super().trade("/" + str(plugin.relative_to(self.root)))

    def follow(self):
        """The author's guide, line by line, by what the packages brought alone."""
        text, commands = guide.script(free_port())
        at = self.folder / "guide"
        at.mkdir()
        done = subprocess.run([*self.wrap, "sh", "-c", f"cd /home/guide\n{text}"], env=self.env, text=True, capture_output=True,
                              timeout=300)
        guide.judge(self.check, commands, at, done)

    def files(self):
        return {line for line in subprocess.run(["find", ".", "-xdev", "!", "-type", "d", "-printf", "/%P\n"], cwd=self.root,
                                                text=True, capture_output=True, check=True).stdout.splitlines()
                if not KEPT.match(line)}

    def withstand(self):
        said = self.run("the broken plugins are built and withstood in it", "hawse", "check", "--host", limit=300)
        print("# " + (said.strip().splitlines() or [""])[-1])

    def install(self, debs, name):
        for deb in debs:
            shutil.copy(deb, self.root / "packages")
        self.run(name, "apt-get", "install", "-y", "--no-install-recommends",
                 *(f"/packages/{pathlib.Path(deb).name}" for deb in debs), limit=500)

    def upgrade(self, debs):
        newer = []
        for deb in debs:
            tree = pathlib.Path(tempfile.mkdtemp())
            subprocess.run(["dpkg-deb", "-R", deb, tree], check=True, capture_output=True)
            control = tree / "DEBIAN/control"
            control.write_text(control.read_text().replace("0.1.0", "0.1.0+next"))
            newer.append(f"{tree}.deb")
            subprocess.run(["dpkg-deb", "-b", tree, newer[-1]], check=True, capture_output=True)
            shutil.rmtree(tree)
        self.install(newer, "apt upgrades all four")
        for deb in newer:
            os.unlink(deb)
        said = self.run("the newer ones are there", "dpkg-query", "-W", *NAMES)
        self.check("all four of them", said.count("+next") == 4, said)


def make_root(root, mirror):
    done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={TOOLS}", "bookworm", str(root), *([mirror] if mirror else [])],
                          capture_output=True, text=True, timeout=600)
    if done.returncode:
        sys.exit(f"debootstrap: {done.stdout[-500:]}{done.stderr[-500:]}")


def life(fresh, debs):
    fresh.run("its lists of packages are read", "apt-get", "update")
    before, had = fresh.files(), fresh.run("its packages are listed", "dpkg-query", "-W", "-f", "${Package}\n")
    fresh.install(debs, "apt installs all four, and what they need")
    needed = set(fresh.run("and they again", "dpkg-query", "-W", "-f", "${Package}\n").split()) - set(had.split()) - set(NAMES)
    print(f"# with {len(needed)} packages that they need: {' '.join(sorted(needed))}")
    fresh.trade(fresh.make())
    fresh.follow()
    fresh.withstand()
    fresh.upgrade(debs)
    fresh.run("apt purges all four", "apt-get", "purge", "-y", *NAMES)
    fresh.run("and what they needed", "apt-get", "purge", "-y", *sorted(needed))
    left, gone = fresh.files() - before, before - fresh.files()
    fresh.check("nothing is left, and nothing is gone", not left and not gone, f"left {sorted(left)[:20]}, gone {sorted(gone)[:20]}")


def inside(args):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hawse-fresh-"))
    root, trial = folder / "root", folder / "trial"
    debs = sorted(str(p) for p in args.folder.resolve().glob("*.deb") if "dbgsym" not in p.name)
    fresh = None
    try:
        if args.root:
            subprocess.run(["cp", "-a", str(args.root), str(root)], check=True)
        else:
            make_root(root, args.mirror)
        trial.mkdir()
        for path in (root / "packages", root / "home", root / str(trial)[1:]):
            path.mkdir(parents=True, exist_ok=True)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        for kind, source, target in (("--rbind", "/proc", root / "proc"), ("--rbind", "/dev", root / "dev"),
                                     ("--bind", trial, root / str(trial)[1:])):
            subprocess.run(["mount", kind, str(source), str(target)], check=True)
        fresh = Fresh(root, trial)
        life(fresh, debs)
    finally:
        for target in (root / str(trial)[1:], root / "dev", root / "proc"):
            subprocess.run(["umount", "-R", "-l", str(target)], capture_output=True)
        if not any(str(folder) in line for line in open("/proc/self/mounts", encoding="utf-8")):
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if report(fresh.results) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mirror", help="where packages come from; left out, debootstrap's own choice")
    parser.add_argument("--root", type=pathlib.Path, help="a root that debootstrap has made, which is copied")
    args = parser.parse_args()
    if os.environ.get("HAWSE_OWN_MOUNTS") == "1":
        return inside(args)
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("ok 1 - fresh # SKIP needs root and debootstrap\n1..1")
        return 0
    return subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, __file__, *sys.argv[1:]],
                          env={**os.environ, "HAWSE_OWN_MOUNTS": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
