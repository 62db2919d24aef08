#!/usr/bin/env python3
"""The layout of the ABI, generated from the public headers.

Reads every struct, constant and function pointer of the ABI headers, has each compiler at hand say
what it makes of them (size, offset and width of every field, value of every constant), refuses when
two compilers differ, and prints one sorted line per fact.

    layout.py --print                    the layout of the headers as they are
    layout.py --check v1.layout          compare with the released layout: lines may only be added
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
INCLUDE = HERE.parent / "include"
HEADERS = ["types.h", "hawse.h"] + [
    f"{room}/{path.name}"
    for room in ("service", "space")
    for path in sorted((INCLUDE / "hawse" / room).glob("*.h"))
]
COMPILERS = [
    ("gcc", ["-std=c11"], ".c"),
    ("clang", ["-std=c11"], ".c"),
    ("tcc", ["-std=c11"], ".c"),
    ("g++", ["-std=c++17"], ".cpp"),
    ("clang++", ["-std=c++17"], ".cpp"),
]


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def field_name(declaration):
    """Name of the field in one member declaration, or None."""
    pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)", declaration)
    if pointer:
        return pointer.group(1)
    plain = re.search(r"(\w+)\s*(\[[^\]]*\]\s*)*$", declaration.strip())
    return plain.group(1) if plain else None


def members(body):
    for declaration in body.split(";"):
        declaration = " ".join(declaration.split())
        if not declaration:
            continue
        # "uint64_t a, b" declares two fields of one type; commas inside a parameter list do not
        if "(" in declaration:
            yield field_name(declaration), declaration
            continue
        first, *others = declaration.split(",")
        base = re.sub(r"\w+\s*(\[[^\]]*\]\s*)*$", "", first).strip()
        for part in [first] + [f"{base} {other.strip()}" for other in others]:
            yield field_name(part), " ".join(part.split())


def read_headers():
    structs, constants, functions = {}, {}, []
    for header in HEADERS:
        text = strip_comments((INCLUDE / "hawse" / header).read_text())
        for match in re.finditer(r"struct\s+(hawse_\w+)\s*\{(.*?)\n\}", text, flags=re.S):
            structs[match.group(1)] = list(members(match.group(2)))
        for match in re.finditer(r"^#define\s+(HAWSE_\w+)\s+(\S.*)$", text, flags=re.M):
            if not match.group(1).endswith("_H"):
                constants[match.group(1)] = match.group(2).strip()
        for match in re.finditer(r"^HAWSE_EXPORT\s+([^;]*);", text, flags=re.M):
            functions.append(" ".join(match.group(1).split()))
        for match in re.finditer(r"\bX\((-\d+), (\w+), ", text):
            constants[f"HAWSE_E_{match.group(2)}"] = match.group(1)
    return structs, constants, functions


def is_number(value):
    return re.fullmatch(r"\(?-?(0x[0-9a-fA-F]+|\d+)[uUlL]*\)?|UINT64_MAX", value) is not None


def probe_source(structs, constants):
    lines = ["#include <stdio.h>"] + [f"#include <hawse/{h}>" for h in HEADERS]
    lines.append("int main(void) {")
    for name, fields in structs.items():
        lines.append(f'printf("struct {name} size %zu\\n", sizeof(struct {name}));')
        for field, _ in fields:
            lines.append(
                f'printf("struct {name} field {field} offset %zu width %zu\\n", '
                f"offsetof(struct {name}, {field}), sizeof(((struct {name} *)0)->{field}));"
            )
    for name, value in constants.items():
        if is_number(value):
            lines.append(f'printf("constant {name} %lld\\n", (long long)({name}));')
        elif value.startswith('"'):
            lines.append(f'printf("constant {name} %s\\n", {name});')
    lines.append("return 0; }")
    return "\n".join(lines) + "\n"


def run_probe(compiler, flags, suffix, source, folder):
    path = folder / f"probe-{compiler}{suffix}"
    path.write_text(source)
    program = folder / f"probe-{compiler}"
    command = [compiler, *flags, f"-I{INCLUDE}", str(path), "-o", str(program)]
    subprocess.run(command, check=True)
    return subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout


def holes(facts):
    """Padding that the compiler put in: not allowed, every byte must be named."""
    found = []
    by_struct = {}
    for line in facts:
        size = re.fullmatch(r"struct (\w+) size (\d+)", line)
        field = re.fullmatch(r"struct (\w+) field (\w+) offset (\d+) width (\d+)", line)
        if size:
            by_struct.setdefault(size.group(1), {})["size"] = int(size.group(2))
        elif field:
            entry = by_struct.setdefault(field.group(1), {})
            entry.setdefault("fields", []).append(
                (int(field.group(3)), int(field.group(4)), field.group(2)))
    for name, entry in by_struct.items():
        at = 0
        for offset, width, field in sorted(entry["fields"]):
            if offset != at:
                found.append(f"{name}: {offset - at} unnamed bytes before {field}")
            at = offset + width
        if at != entry["size"]:
            found.append(f"{name}: {entry['size'] - at} unnamed bytes at the end")
    return found


def generate():
    structs, constants, functions = read_headers()
    source = probe_source(structs, constants)
    outputs = {}
    with tempfile.TemporaryDirectory() as folder:
        for compiler, flags, suffix in COMPILERS:
            if shutil.which(compiler):
                outputs[compiler] = run_probe(compiler, flags, suffix, source,
                                              pathlib.Path(folder))
    if not outputs:
        sys.exit("layout: no compiler found")
    first_name, first = next(iter(outputs.items()))
    for name, output in outputs.items():
        if output != first:
            for a, b in zip(first.splitlines(), output.splitlines()):
                if a != b:
                    print(f"layout: {first_name} says \"{a}\", {name} says \"{b}\"",
                          file=sys.stderr)
            sys.exit(1)
    facts = first.splitlines()
    unnamed = holes(facts)
    if unnamed:
        sys.exit("layout: padding must be explicit:\n  " + "\n  ".join(unnamed))
    for name, fields in structs.items():
        facts += [f"struct {name} declares {text}" for _, text in fields]
    facts += [f"export {text}" for text in functions]
    return sorted(set(facts)), sorted(outputs)


def check(path):
    facts, compilers = generate()
    released = [line for line in pathlib.Path(path).read_text().splitlines()
                if line and not line.startswith("#")]
    have = set(facts)
    # a struct that grew at its end has a new size: the only line that may change, and only upwards
    lost = []
    for line in released:
        size = re.fullmatch(r"struct (\w+) size (\d+)", line)
        if line in have:
            continue
        if size:
            now = next((int(f.rsplit(" ", 1)[1]) for f in facts
                        if f.startswith(f"struct {size.group(1)} size ")), 0)
            if now > int(size.group(2)):
                continue
        lost.append(line)
    if lost:
        print("layout: the ABI may only grow; these released facts are gone:", file=sys.stderr)
        for line in lost:
            print(f"  - {line}", file=sys.stderr)
        print("fix: put the header back; new fields go to the end, new things get new ids",
              file=sys.stderr)
        return 1
    added = [f for f in facts if f not in set(released)]
    if added:
        print(f"layout: {len(added)} facts are new; add them by "
              f"`python3 sdk/abi/layout.py --print > {os.path.relpath(path)}` and say why in "
              "history.md:", file=sys.stderr)
        for line in added[:20]:
            print(f"  + {line}", file=sys.stderr)
        return 1
    print(f"layout: {len(facts)} facts, equal to {os.path.basename(path)}; "
          f"agreed by {', '.join(compilers)}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", dest="show")
    parser.add_argument("--check", metavar="FILE")
    args = parser.parse_args()
    if args.check:
        return check(args.check)
    facts, _ = generate()
    print("# ABI v1: generated by layout.py from the public headers; may only gain lines.")
    print("\n".join(facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
