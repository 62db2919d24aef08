#!/usr/bin/env python3
"""The Debian packages as an operator and an author meet them: installed, run, upgraded, removed and purged by dpkg in
a root of their own, an overlay of this machine's that is gone afterwards. Needs root, as dpkg does.

    run.py FOLDER      with the packages that packaging/deb made
"""
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAMES = ["hawse", "hawse-plugins", "libhawse-sdk-dev", "hawse-doc"]
LEAST = 11  # plugins that ship
# what the package's completion asks zsh to offer, said instead of offered
ZSH = """_arguments() { print -rl -- "$@" }
_describe() { print -rl -- ${(P)2} }
words=(hawse $1 --) CURRENT=$2
source /usr/share/zsh/site-functions/_hawse
"""
LIFE = pathlib.Path("/var/lib/hawse")


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60, **options)


class Trial:
    def __init__(self, debs):
        self.debs, self.count, self.failed = debs, 0, 0

    def check(self, name, good, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good:
            print(f"# {detail}"[:2000])

    def said(self, name, done, pattern="", code=0):
        text = done.stdout + done.stderr
        self.check(name, done.returncode == code and re.search(pattern, text), f"exit code {done.returncode}: {text}")

    def install(self, debs, name):
        self.said(name, run("dpkg", "-i", *debs))

    def installed(self):
        self.install(self.debs, "dpkg installs all four")
        users = {entry.pw_name for entry in pwd.getpwall()}
        self.check("users for the host and the signer", {"hawse", "hawse-signer"} <= users, users)
        self.check("only root and the host read configurations", pathlib.Path("/etc/hawse").stat().st_mode & 0o777 == 0o750)
        listed = json.loads(run("hawse", "plugins", "--json").stdout)
        found = {pathlib.Path(p["path"]).stem for p in listed if p["accepted"]}
        files = {p.stem for p in next(pathlib.Path("/usr/lib").rglob("gnosis.so")).parent.glob("*.so")}
        self.check(f"the host takes all {len(files)} plugins that ship", files == found and len(files) >= LEAST, listed)
        for page in ["hawse.1", *(f"hawse-{c['name']}.1" for c in json.loads(run("hawse", "help", "--json").stdout)["commands"]),
                     "hawse-plugin.7"]:
            done = run("sh", "-c", f"gunzip -c /usr/share/man/man{page[-1]}/{page}.gz | mandoc -Tlint -Wwarning")
            self.check(f"manual page {page}", done.returncode == 0 and not done.stdout, done.stdout + done.stderr)

    def completion(self):
        """Every command and every option, in both shells."""
        commands = json.loads(run("hawse", "help", "--json").stdout)["commands"]
        options = {c["name"]: {f"--{o['name']}" for o in c["options"]} for c in commands}
        for words, offered in (("hawse jou", "journal"), ("hawse keys imp", "import"), ("hawse replay x --di", "--diff")):
            self.check(f"bash completes: {words}", offered in self.bash(words))
        for shell in (self.bash, *([self.zsh] if shutil.which("zsh") else [])):
            name = shell.__name__
            self.check(f"{name} offers all {len(commands)} commands", set(options) <= shell("hawse "), shell("hawse "))
            missing = {command: sorted(has - shell(f"hawse {command} --")) for command, has in options.items()}
            self.check(f"{name} offers all {sum(map(len, options.values()))} options of them", not any(missing.values()), missing)
        if not shutil.which("zsh"):
            self.count += 1
            print(f"ok {self.count} - zsh completes # SKIP zsh is not installed")

    @staticmethod
    def bash(line):
        words = line.split(" ")
        listed = " ".join(f"'{word}'" for word in words)
        return set(run("bash", "-c", f"source /usr/share/bash-completion/completions/hawse; COMP_WORDS=({listed}); "
                       f"COMP_CWORD={len(words) - 1}; _hawse; echo ${{COMPREPLY[*]}}").stdout.split())

    @staticmethod
    def zsh(line):
        words = line.split(" ")
        said = run("zsh", "-f", "-c", ZSH, "zsh", words[1], len(words)).stdout
        return {re.split(r"[:\[]", text.lstrip("*"))[0] for text in said.splitlines()}

    def units(self):
        for unit in ("hawse@.service", "hawse-signer.service"):
            file = f"/lib/systemd/system/{unit}"
            done = run("systemd-analyze", "security", "--offline=true", file)
            score = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
            print(f"# systemd-analyze security: {unit} {score.group(1) if score else done.stderr}")
            self.check(f"{unit} is at most 2.0 exposed", score and float(score.group(1)) <= 2.0, done.stdout[-300:])
            started = re.search(r"^ExecStart=(?:/bin/sh -c 'exec )?(\S+)", pathlib.Path(file).read_text(), flags=re.M)
            self.check(f"{unit} starts what is installed", started and os.access(started.group(1), os.X_OK))

    def author(self):
        """A plugin of the installed examples, with what pkg-config says and nothing else."""
        folder = tempfile.mkdtemp()
        source = "/usr/share/doc/libhawse-sdk-dev/examples/tape/tape.c"
        done = run("sh", "-c", f"cc -shared -o {folder}/tape.so {source} $(pkg-config --cflags --libs hawse-sdk) "
                   "-Wl,--exclude-libs,ALL")
        self.said("an author builds an example from the packages alone", done)
        self.said("and the host accepts it", run("hawse", "plugins", "--path", folder), "org.example.tape")
        self.said("and broken plugins are built from the packages, which the installed host withstands",
                  run("hawse", "check", "--host", "--case", "801,821,906,944"), "4 of 4 passed")

    def start(self):
        """As the unit starts it: its user, its folders, its command line."""
        unit = pathlib.Path("/lib/systemd/system/hawse@.service").read_text().replace("\\\n", " ").replace("%i", "trial")
        command = re.search(r"^ExecStart=(.*)", unit, flags=re.M).group(1).split()
        user = pwd.getpwnam("hawse")
        for folder in ("/var/lib/hawse/trial", "/run/hawse/trial"):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.chown(folder, user.pw_uid, user.pw_gid)
        config = pathlib.Path("/etc/hawse/trial.json")
        config.write_text(json.dumps({"hawse": 1, "instances": {
            "chain": {"plugin": "org.hawse.gnosis", "grants": ["net", "rpc"], "endpoints": {
                "ws": "ws://127.0.0.1:1", "http": "http://127.0.0.1:1"}}}}))
        os.chown(config, 0, user.pw_gid)
        config.chmod(0o640)
        self.host = subprocess.Popen(command, user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/",
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.check("a host runs as the unit has it", self.answers(), "no answer on its socket")
        self.check("its state is its own", (LIFE / "trial").stat().st_mode & 0o077 == 0)

    def answers(self):
        for _ in range(100):
            done = run("hawse", "status", "--json", "--socket", "/run/hawse/trial/control.sock")
            if done.stdout.startswith("{"):
                return True
            if self.host.poll() is not None:
                print("# " + self.host.stderr.read()[-1500:])
                return False
            time.sleep(0.05)
        return False

    def upgraded(self):
        newer = []
        for deb in self.debs:
            tree = tempfile.mkdtemp()
            run("dpkg-deb", "-R", deb, tree)
            control = pathlib.Path(tree) / "DEBIAN/control"
            control.write_text(re.sub(r"0\.1\.0", "0.1.0+next", control.read_text()))
            newer.append(f"{tree}.deb")
            run("dpkg-deb", "-b", tree, newer[-1])
            shutil.rmtree(tree)
        self.install(newer, "dpkg upgrades all four")
        self.said("the new version is there", run("dpkg-query", "-W", "hawse"), r"\+next")
        self.check("a running host goes on through an upgrade", self.host.poll() is None and self.answers())
        self.host.send_signal(signal.SIGTERM)
        self.check("and stops gracefully", self.host.wait(15) == 0, self.host.returncode)
        self.said("the newer one takes the configuration of the older", run("hawse", "config", "check", "/etc/hawse/trial.json"))

    def gone(self):
        (LIFE / "trial/keys").mkdir()
        self.said("dpkg removes all four", run("dpkg", "-r", *reversed(NAMES)))
        self.check("a configuration stays when packages are removed", os.path.exists("/etc/hawse/trial.json"))
        os.unlink("/etc/hawse/trial.json")
        self.said("purge says where keys and journals stay", run("dpkg", "-P", *reversed(NAMES)), "holds keys or journals")
        left = [p for p in ("/usr/bin/hawse", "/usr/include/hawse", "/lib/systemd/system/hawse@.service",
                            "/usr/share/doc/hawse", "/etc/hawse", "/var/lib/hawse-signer") if os.path.exists(p)]
        self.check("nothing else is left", not left, left)
        self.check("keys and journals are", (LIFE / "trial/keys").is_dir())


def inside(folder):
    """In the overlay: everything that dpkg does stays in it."""
    trial = Trial(sorted(str(p) for p in pathlib.Path(folder).glob("*.deb") if "dbgsym" not in p.name))
    for part in (trial.installed, trial.completion, trial.units, trial.author, trial.start, trial.upgraded, trial.gone):
        part()
    print(f"1..{trial.count}")
    return 1 if trial.failed else 0


def enter(folder):
    """Mounts the overlay (this process has a mount namespace of its own), and goes in."""
    room = tempfile.mkdtemp()
    mount = ["mount", "-t", "tmpfs", "none", room], ["mkdir", f"{room}/up", f"{room}/work", f"{room}/root"], \
        ["mount", "-t", "overlay", "none", "-o", f"lowerdir=/,upperdir={room}/up,workdir={room}/work", f"{room}/root"], \
        ["mount", "--rbind", "/proc", f"{room}/root/proc"], ["mount", "--rbind", "/dev", f"{room}/root/dev"], \
        ["mkdir", "-p", f"{room}/root/packages", f"{room}/root/run", f"{room}/root/tmp"], \
        ["cp", "-r", f"{folder}/.", f"{room}/root/packages"]
    for command in mount:
        done = run(*command)
        if done.returncode:
            print(f"ok 1 - packages # SKIP no overlay can be mounted here: {done.stderr.strip()}\n1..1")
            return 0
    os.chroot(f"{room}/root")
    os.chdir("/")
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    return inside("/packages")


def main(folder):
    if os.environ.get("HAWSE_OWN_MOUNTS") == "1":
        return enter(folder)
    if os.geteuid() != 0 or run("unshare", "-m", "true").returncode:
        print("ok 1 - packages # SKIP needs root and a mount namespace\n1..1")
        return 0
    return subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, __file__, folder],
                          env={**os.environ, "HAWSE_OWN_MOUNTS": "1"}, timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main(str(pathlib.Path(sys.argv[1]).resolve())))
