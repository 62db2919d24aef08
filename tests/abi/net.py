"""The second net: libabigail compares two states of the headers by the debug information of a compiler.

It shares nothing with layout.py but the list of headers. Owns: nothing. Must never: decide alone, since it calls a
field that was inserted and one that was appended the same.
"""
import functools
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "sdk/abi"))
import headers  # noqa: E402


def anchor(include, folder, name):
    """A shared object with one object of each struct, and debug information."""
    h = headers.Headers(include)
    lines = [f"#include <hawse/{n}>" for n in h.names]
    lines += [f"extern struct {s} the_{s}; struct {s} the_{s};" for s in h.structs]
    source, out = folder / f"{name}.c", folder / f"{name}.so"
    source.write_text("\n".join(lines) + "\n")
    subprocess.run(["gcc", "-std=c11", "-w", "-g", "-O0", "-fPIC", "-shared", f"-I{include}", str(source), "-o", str(out)],
                   check=True, capture_output=True)
    return out


@functools.lru_cache(maxsize=1)
def debug_information(include):
    """libabigail's own text of the folder that several are compared with."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["abidw", str(anchor(include, pathlib.Path(folder), "old"))], capture_output=True, text=True, check=True)
        return done.stdout


def changed(old, new):
    """Structs that differ between two include folders, by libabigail; by their names."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "old.abi").write_text(debug_information(old))
        pair = [folder / "old.abi", anchor(new, folder, "new")]
        done = subprocess.run(["abidiff", "--no-default-suppression", *map(str, pair)], capture_output=True, text=True)
        if done.returncode & 3:
            raise RuntimeError(f"abidiff: {done.stdout}{done.stderr}")
        return set(re.findall(r"'(?:extern )?(?:struct )?(?:the_)?(hawse_\w+)(?: the_\w+)?'", done.stdout)) if done.returncode else set()
