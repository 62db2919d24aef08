#!/usr/bin/env python3
"""The headers of each release, kept in the museum, against those of today: every fact of then must still hold, whatever became
of v1.layout meanwhile; and what libabigail says has changed must be what the layout says has grown. Prints TAP.

    released.py

Owns: unpacked headers in a folder of its own. Must never: read v1.layout, which an edit could have made to fit.
"""
import io
import json
import lzma
import pathlib
import re
import shutil
import sys
import tarfile
import tempfile

import net
from net import ROOT

import layout  # on the path by net

ONE = {"gcc": ["-std=c11"]}  # that the compilers agree is the layout stage's


def sizes(facts):
    return dict(re.fullmatch(r"struct (\w+) size (\d+)", f).groups() for f in facts if re.fullmatch(r"struct \w+ size \d+", f))


def unpack(exhibit, folder):
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress((exhibit / "headers.tar.xz").read_bytes()))) as tar:
        tar.extractall(folder)
    return folder / "sdk/include"


def judge(exhibit, now, folder):
    """(what, fault) of one release."""
    release = json.loads((exhibit / "exhibit.json").read_text())["release"]
    include = unpack(exhibit, folder)
    then, _ = layout.generate(include, ONE, None)
    gone = layout.lost(then, now)
    yield f"{release}: all {len(then)} facts of its headers still hold", "\n".join(gone)
    if not shutil.which("abidiff"):
        yield f"{release}: libabigail # SKIP abigail-tools is not installed", ""
        return
    old, new = sizes(then), sizes(now)
    grown = {name for name in old if old[name] != new.get(name)}
    found = net.changed(include, layout.INCLUDE)
    unexplained = found - grown - (set(new) - set(old))
    yield f"{release}: libabigail names what the layout says has grown ({len(grown)}), and nothing else", ", ".join(
        sorted(unexplained | (grown - found)))


def main():
    exhibits = sorted(path.parent for path in (ROOT / "tests/museum").glob("*/headers.tar.xz"))
    now, _ = layout.generate(layout.INCLUDE, ONE, None)
    results = [("there are headers of releases", "" if exhibits else "no tests/museum/*/headers.tar.xz")]
    for exhibit in exhibits:
        with tempfile.TemporaryDirectory() as folder:
            results += judge(exhibit, now, pathlib.Path(folder))
    for n, (what, fault) in enumerate(results, 1):
        if fault:
            print("# " + fault.replace("\n", "\n# "))
        print(f"{'not ok' if fault else 'ok'} {n} - {what}")
    print(f"1..{len(results)}")
    return 1 if any(fault for _, fault in results) else 0


if __name__ == "__main__":
    sys.exit(main())
