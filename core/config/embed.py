#!/usr/bin/env python3
"""Writes the configuration's schema as a C array: embed.py schema.json schema_text.c"""
import json
import sys

source, target = sys.argv[1:]
text = open(source, encoding="utf-8").read()
json.loads(text)
data = text.encode() + b"\0"
rows = [", ".join(str(byte) for byte in data[i:i + 20]) for i in range(0, len(data), 20)]
with open(target, "w", encoding="utf-8") as out:
    out.write("/* Made from schema.json by embed.py. */\n")
    out.write('#include "config/internal.h"\n\n')
    out.write("const char config_schema_text[] = {\n    " + ",\n    ".join(rows) + ",\n};\n")
