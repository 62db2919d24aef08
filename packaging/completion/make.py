"""Writes what bash and zsh complete of hawse's command line, from `hawse help --json`.

    make.py HAWSE bash|zsh OUT
"""
import json
import re
import subprocess
import sys

FILES = {"FILE", "FILE.html", "PATH", "DIR"}  # values for which files are offered

BASH = """# bash completion of hawse
_hawse() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words= verbs=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "@COMMANDS@ help" -- "$cur")
        return
    fi
    case $command in
@CASES@
        help) verbs="@COMMANDS@" ;;
    esac
    case $prev in
        @FILES@) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        @VALUES@) return ;;
    esac
    if [ "${cur#-}" != "$cur" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$cur")
    elif [ "$COMP_CWORD" -eq 2 ] && [ -n "$verbs" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur"; compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -o filenames -F _hawse hawse
"""

ZSH = """#compdef hawse
# zsh completion of hawse
_hawse() {
  local -a commands
  commands=(
@COMMANDS@
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
@CASES@
  esac
}
_hawse "$@"
"""


def verbs(command):
    """What may be the first word: `check CONFIG | explain CONFIG` has check and explain."""
    return [m.group(1) for m in (re.match(r"([a-z][a-z-]+)\b", part) for part in command["usage"].split(" | ")) if m]


def bash(commands):
    cases = [f"        {c['name']}) words=\"{' '.join('--' + o['name'] for o in c['options'])}\"; "
             f"verbs=\"{' '.join(verbs(c))}\" ;;" for c in commands]
    takes = {(f"--{o['name']}", o["value"] in FILES) for c in commands for o in c["options"] if o["value"]}
    return (BASH.replace("@COMMANDS@", " ".join(c["name"] for c in commands)).replace("@CASES@", "\n".join(cases))
            .replace("@FILES@", "|".join(sorted(n for n, files in takes if files)))
            .replace("@VALUES@", "|".join(sorted(n for n, files in takes if not files))))


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_option(option):
    meaning = re.sub(r"([\[\]:\\])", r"\\\1", option["meaning"])
    value = f":{option['value'].replace(':', ' ')}:{'_files' if option['value'] in FILES else ' '}" \
        if option["value"] else ""
    return quoted(f"*--{option['name']}[{meaning}]{value}")


def zsh(commands):
    lines = [quoted(f"{c['name']}:{c['summary'].replace(':', ' -')}") for c in commands]
    cases = []
    for c in commands:
        first = f"'2:verb:({' '.join(verbs(c))})' " if verbs(c) else ""
        options = " ".join(zsh_option(o) for o in c["options"])
        cases.append(f"    {c['name']}) _arguments '1: :' {first}{options} '*:file:_files' ;;")
    return (ZSH.replace("@COMMANDS@", "\n".join(f"    {line}" for line in lines))
            .replace("@CASES@", "\n".join(cases)))


def main(hawse, shell, out):
    said = json.loads(subprocess.run([hawse, "help", "--json"], capture_output=True, check=True).stdout)
    with open(out, "w", encoding="utf-8") as file:
        file.write({"bash": bash, "zsh": zsh}[shell](said["commands"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
