#!/usr/bin/env python3
"""Writes the templates of `hawse new` as one C table: pack.py FILE.c TEMPLATE... (each below sdk/new)"""
import pathlib
import sys

target, *sources = sys.argv[1:]
rows = []
for source in map(pathlib.Path, sources):
    text = source.read_text(encoding="utf-8")
    lines = [line.replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    literal = "\n        ".join(f'"{line}\\n"' for line in lines[:-1])
    rows.append(f'    {{"{source.parent.name}", "{source.name}",\n        {literal}}},\n')
with open(target, "w", encoding="utf-8") as out:
    out.write('/* Made from sdk/new by pack.py. */\n#include "app/template.h"\n\n')
    out.write("const struct template_file template_files[] = {\n" + "".join(rows) + "};\n")
    out.write("const size_t template_count = sizeof(template_files) / sizeof(template_files[0]);\n")
