"""Plugins by each compiler that the ABI is for, from the headers alone: no library is linked.

Owns: how each of them is called. Must never: be told apart by what it makes; that is the trials' to say.
"""
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "sdk/include"
CANDLES = ROOT / "sdk/examples/candles"
# pages next to each other on disk, and no symbols: a file of the museum has some ten kilobytes
SMALL = ["-Wl,-z,noseparate-code", "-Wl,-z,max-page-size=4096", "-Wl,--build-id=none", "-s"]
HARD = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
SHARED = ["-shared", "-fPIC", "-fvisibility=hidden", *SMALL]
PLUS = ["-std=c++17", "-fno-exceptions", "-fno-rtti", *HARD, *SHARED, "-Wl,--as-needed",
        f"-Wl,--version-script={INCLUDE}/hawse/plugin.map"]
COMMANDS = {  # {level}, {source} and {out} stand for what is built; each command but the last makes an object
    "gcc": [["gcc", "-std=c11", "-O{level}", *HARD, *SHARED, "{source}", "-o", "{out}"]],
    "clang": [["clang", "-std=c11", "-O{level}", *HARD, *SHARED, "{source}", "-o", "{out}"]],
    "g++": [["g++", "-O{level}", *PLUS, "{source}", "-o", "{out}"]],
    "clang++": [["clang++", "-O{level}", *PLUS, "{source}", "-o", "{out}"]],
    # it knows neither hidden symbols nor stacks: another's linker puts its object together
    "tcc": [["tcc", "-O{level}", "-Wall", "-c", "{source}", "-o", "{out}.o"],
            ["gcc", "-shared", *SMALL, "-Wl,-z,noexecstack", "{out}.o", "-o", "{out}"]],
    "rustc": [["rustc", "--edition", "2021", "--crate-type", "cdylib", "-C", "panic=abort", "-C", "opt-level={level}",
               "-C", "strip=symbols", *(w for flag in SMALL[:3] for w in ("-C", f"link-arg={flag}")), "-D", "warnings", "--remap-path-prefix", f"{ROOT}=.",
               "{source}", "-o", "{out}"]],
}
SUFFIX = {"g++": ".cpp", "clang++": ".cpp", "rustc": ".rs"}


def program(name):
    """Debian's rustc where it is there: the oldest that the crate is for."""
    debian = pathlib.Path("/usr/bin") / name
    return str(debian) if debian.exists() else shutil.which(name)


def candles(compiler):
    return CANDLES / f"candles{SUFFIX.get(compiler, '.c')}"


def version(compiler):
    flag = "-v" if compiler == "tcc" else "--version"
    return subprocess.run([program(compiler), flag], capture_output=True, text=True).stdout.splitlines()[0]


def command(compiler, level, source, out):
    """What is run, as lists of words."""
    found = []
    for words in COMMANDS[compiler]:
        words = [w.format(level=level, source=source, out=out) for w in words]
        include = [f"-I{INCLUDE}"] if compiler != "rustc" and str(source) in words else []
        found.append([program(words[0]), *include, *words[1:]])
    return found


def build(compiler, level, source, out):
    """The errors in words; empty = built."""
    for words in command(compiler, level, source, out):
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            return done.stdout + done.stderr
    pathlib.Path(f"{out}.o").unlink(missing_ok=True)
    return ""
