"""Writes the man pages of the commands: what `hawse help --json` says, with the words of commands/NAME.mdoc.

    make.py HAWSE SOURCE OUT     SOURCE: this folder; OUT: a folder, made anew
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap


def plain(text):
    """Text that roff takes as it is: no escape, no line that begins with a control character."""
    text = text.replace("\\", "\\e").replace("--", "\\-\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def sentences(text):
    """A sentence a line, as mdoc wants it."""
    whole = re.sub(r"(?<=[a-z0-9*)\"`][.:]) +(?=[A-Z(])", "\n", plain(" ".join(text.split())))
    return "\n".join(textwrap.fill(line, 78, break_on_hyphens=False, break_long_words=False)
                     for line in whole.splitlines())


def alternatives(command):
    """The lines of the synopsis: a usage with ` | ` between verbs has several."""
    parts, depth, start = [], 0, 0
    usage = command["usage"]
    for i, c in enumerate(usage):
        depth += (c == "[") - (c == "]")
        if depth == 0 and usage.startswith(" | ", i):
            parts.append(usage[start:i])
            start = i + 3
    return [*parts, usage[start:]]


def synopsis(command):
    return "\n".join(f".Nm hawse {command['name']}\n{sentences(part)}".rstrip() for part in alternatives(command))


def options(command):
    if not command["options"]:
        return ""
    lines = [".Bl -tag -width Ds"]
    for option in command["options"]:
        value = f" Ar {plain(option['value'])}" if option["value"] else ""
        lines.append(f".It Fl -{option['name']}{value}")
        lines.append(sentences(option["meaning"]))
    return "\n".join([*lines, ".El", ""])


def exit_status(text):
    """"...: 0 good, 1 trouble found" as a list."""
    items = re.findall(r"(\d) ([^,.]+(?:, [a-z][^,.]*)*)", text)
    return "\n".join([".Bl -tag -width Ds -compact", *(f".It {code}\n{plain(words)}" for code, words in items), ".El"])


def page(command, words, date, exit_codes):
    name = command["name"]
    summary = plain(command["summary"])
    return f"""{date}
.Dt HAWSE-{name.upper()} 1
.Os
.Sh NAME
.Nm hawse-{name}
.Nd {summary}
.Sh SYNOPSIS
{synopsis(command)}
.Sh DESCRIPTION
{words or sentences(command["details"] or command["summary"].capitalize() + ".")}
{options(command)}.Sh EXIT STATUS
{exit_status(exit_codes)}
.Sh SEE ALSO
.Xr hawse 1
""".replace("\n\n", "\n")


def overview(text, commands):
    """hawse.1 with a line on each command where it says @COMMANDS@."""
    lines = [".Bl -tag -width Ds"]
    for command in commands:
        lines += [f".It Xr hawse-{command['name']} 1", sentences(command["summary"])]
    return text.replace("@COMMANDS@", "\n".join([*lines, ".El"]))


def main(hawse, source, out):
    source, out = pathlib.Path(source), pathlib.Path(out)
    said = json.loads(subprocess.run([hawse, "help", "--json"], capture_output=True, check=True).stdout)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    first = (source / "hawse.1.in").read_text()
    date = first.splitlines()[0]
    (out / "hawse.1").write_text(overview(first, said["commands"]))
    for command in said["commands"]:
        words = source / "commands" / f"{command['name']}.mdoc"
        (out / f"hawse-{command['name']}.1").write_text(
            page(command, words.read_text().strip() if words.exists() else "", date, said["exit_codes"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
