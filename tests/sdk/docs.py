#!/usr/bin/env python3
"""What the documents show is what there is: blocks of C stand in the example that they are from, configurations pass
`hawse config check`, commands and options exist, and every name of the ABI is in the reference.

    docs.py HAWSE PLUGINS REFERENCE.html
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "packaging/OPERATOR.md", *sorted((ROOT / "sdk/doc").glob("*.md"))]
EXAMPLES = {"guide.md": ROOT / "sdk/examples/pair/pair.c"}
count = failed = 0


def check(name, good, detail=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - docs: {name}")
    if not good:
        print(f"# {detail}"[:1500])


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M)


def configurations(hawse, plugins, document, text):
    for number, block in enumerate(b for b in blocks(text, "json") if '"hawse": 1' in b):
        folder = pathlib.Path(tempfile.mkdtemp())
        config = re.sub(r"\$\{\w+\}", "word", block)  # a secret of the reader's
        (folder / "c.json").write_text(config)
        done = subprocess.run([hawse, "config", "check", str(folder / "c.json"), "--set",
                               f'plugins.path=["{plugins}"]'], capture_output=True, text=True, timeout=20)
        check(f"configuration {number + 1} of {document.name}", done.returncode == 0, done.stdout + done.stderr)


def commands(said, document, text):
    """Lines of commands: `    hawse COMMAND ... --option`."""
    known = {c["name"]: {o["name"] for o in c["options"]} | {"help"} for c in said["commands"]}
    wrong = []
    for line in re.findall(r"^ {4}(?:.*-- )?hawse (?!\$)(.*)", text, flags=re.M):
        words = line.split("#")[0].split()
        if words[0] not in known and words[0] != "help":
            wrong.append(line)
            continue
        wrong += [f"{line}: {o}" for o in re.findall(r"(?<!\S)--([a-z-]+)", " ".join(words)) if o not in known[words[0]]]
    check(f"commands of {document.name} exist", not wrong, wrong)


def main(hawse, plugins, reference):
    said = json.loads(subprocess.run([hawse, "help", "--json"], capture_output=True, check=True).stdout)
    for document in DOCUMENTS:
        text = document.read_text()
        if document.name in EXAMPLES:
            source = EXAMPLES[document.name].read_text()
            missing = [b for b in blocks(text, "c") if b not in source]
            check(f"C of {document.name} stands in {EXAMPLES[document.name].name}", not missing and blocks(text, "c"), missing)
        configurations(hawse, plugins, document, text)
        commands(said, document, text)
    made = set(re.findall(r'id="([^"]+)"', pathlib.Path(reference).read_text()))
    names = set(re.findall(r"\b(hawse_[a-z0-9_]+_t|HAWSE_[A-Z0-9_]+)\b", (ROOT / "sdk/abi/v1.layout").read_text()))
    check(f"{len(names)} names of the ABI are in its reference", not names - made, sorted(names - made))
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
