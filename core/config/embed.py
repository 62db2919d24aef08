#!/usr/bin/env python3
"""Writes a JSON file as a C text: embed.py FILE.json FILE.c NAME"""
import json
import sys

source, target, name = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
json.loads(text)
data = text.encode() + b"\0"
rows = [", ".join(str(byte) for byte in data[i : i + 20]) for i in range(0, len(data), 20)]
with open(target, "w", encoding="utf-8") as out:
    out.write(f"/* Made from {source.rsplit('/', 1)[-1]} by embed.py. */\n")
    out.write(f"extern const char {name}[];\n")
    out.write(f"const char {name}[] = {{\n    " + ",\n    ".join(rows) + ",\n};\n")
