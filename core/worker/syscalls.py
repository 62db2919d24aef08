#!/usr/bin/env python3
"""Writes the names of the system calls as C: syscalls.py OUTPUT COMPILER [ARGUMENT ...]

Asks the preprocessor what <sys/syscall.h> defines, so that the table is that of the machine the
program is built for.
"""
import re
import subprocess
import sys

target, *compiler = sys.argv[1:]
source = "#include <sys/syscall.h>\n"
defined = subprocess.run([*compiler, "-E", "-dM", "-x", "c", "-"], input=source, text=True,
                         capture_output=True, check=True).stdout
names = sorted(set(re.findall(r"^#define SYS_(\w+) __NR_\1$", defined, re.M)))
if len(names) < 200:
    sys.exit(f"found {len(names)} system calls, expected hundreds")
with open(target, "w", encoding="utf-8") as out:
    out.write("/* Made from <sys/syscall.h> by syscalls.py. */\n")
    out.write('#include "worker/syscalls.h"\n\n#include <stddef.h>\n#include <sys/syscall.h>\n\n')
    out.write("const char *syscall_name(uint32_t number)\n{\n    switch (number) {\n")
    out.writelines(f'    case SYS_{name}:\n        return "{name}";\n' for name in names)
    out.write('    default:\n        return "unknown";\n    }\n}\n')
