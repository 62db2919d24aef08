#!/usr/bin/env python3
"""What the documents show is what there is: blocks of C stand in the example that they are from, configurations and parts
of them pass `hawse config check`, commands and options exist, also those of manual pages, every name of the ABI is in the
reference, and every service in the page on plugins. tests/sdk/guide.py runs the commands of the author's guide.

    docs.py HAWSE PLUGINS REFERENCE.html
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "packaging/man/hawse.1.in", ROOT / "packaging/man/hawse-plugin.7"]
DOCUMENTS = [ROOT / "README.md", *sorted(p for room in ("packaging", "sdk/doc", "core", "plugins")
                                         for p in (ROOT / room).rglob("*.md"))]
EXAMPLES = {"guide.md": ROOT / "sdk/examples/pair/pair.c"}
# what a part of a configuration is a part of: by its first key; else the key is an instance's, or of the whole
ADDRESS = "0x1111111111111111111111111111111111111111"
WITHIN = {"limits": ("instances", "lines"), "tx": ("chains", "gnosis"), "safes": ("chains", "gnosis"), "keys": ()}
WHOLE = {
    "hawse": 1,
    "keys": {"signer": {"socket": "signer.sock"}, "use": {key: {} for key in ("bot", "owner-a", "owner-b")}},
    "chains": {
        "gnosis": {"chain_id": 100, "block_ms": 5000, "providers": [{"name": "one", "http": "https://example.org"}]},
        "solana": {"family": "solana", "genesis": "mainnet", "block_ms": 400,
                   "providers": [{"name": "one", "http": "https://example.org"}]}},
    "instances": {"lines": {"plugin": "org.hawse.jsonl", "settings": {"sources": []}}}}
KEYS = {"bot": ("--chain", "137"), "sol": ("--kind", "ed25519", "--testnet-only")}
SECRET = "YS1sb25nLXBhc3NwaHJhc2Utb2Ytbm9ib2R5"  # good as a passphrase and as a venue's base64
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


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)


def surround(hawse, folder, config):
    """What stands beside a configuration: files that it names, keys."""
    for name in re.findall(r'"file:([\w.-]+)"', config):
        private(folder / name, SECRET)
    if '"dir": "keys"' in config:
        private(folder / "bot", SECRET)  # a credential of systemd's
        for key, words in KEYS.items():
            subprocess.run([hawse, "keys", "new", key, "--dir", folder / "keys", "--passphrase-file", folder / "bot", *words],
                           check=True, capture_output=True, timeout=60)


def judge(hawse, plugins, name, config):
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        private(folder / "c.json", re.sub(r"\$\{\w+\}", "word", config))  # a secret of the reader's
        surround(hawse, folder, config)
        done = subprocess.run([hawse, "config", "check", folder / "c.json", "--set", f'plugins.path=["{plugins}"]'],
                              capture_output=True, text=True, timeout=60, env={**os.environ, "CREDENTIALS_DIRECTORY": made})
    # a signer that is not up is no fault of the configuration
    faults = [line for line in done.stderr.splitlines() if line.startswith("hawse: ") and not re.search(r"the signer on \S+ is away", line)]
    check(name, done.returncode in (0, 1, 2) and not faults and (done.returncode == 0 or "is away" in done.stderr), done.stdout + done.stderr)


def put(whole, part):
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict):
            put(whole[key], value)
        else:
            whole[key] = value


def completed(part):
    """The part, within a whole that has the chains and keys that the documents name."""
    part = part.replace('"markets": ["0x..."]', f'"markets": ["{ADDRESS + ADDRESS[2:26]}"]').replace('"0x..."', f'"{ADDRESS}"')
    part = json.loads("{" + re.sub(r'"(\d+)\.\.\."', r'"\1"', part) + "}")
    whole = json.loads(json.dumps(WHOLE))
    key = next(iter(part))
    if key == "keys":
        del whole["keys"]
    at = whole
    for step in WITHIN.get(key, ("instances",)):
        at = at[step]
    put(at, part)
    return json.dumps(whole)


def configurations(hawse, plugins, document, text):
    name = document.relative_to(ROOT)
    found = blocks(text, "json")
    for number, block in enumerate((b for b in found if '"hawse": 1' in b), 1):
        judge(hawse, plugins, f"configuration {number} of {name}", block)
    indented = re.findall(r'(?:^ {4}"(?:\n {4}|.)*\n)+', re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), flags=re.M)
    for number, block in enumerate([b for b in found if '"hawse": 1' not in b] + indented, 1):
        judge(hawse, plugins, f"part {number} of a configuration of {name}", completed(block))


def commands(said, document, text):
    """Lines of commands: `    hawse COMMAND ... --option`."""
    known = {c["name"]: {o["name"] for o in c["options"]} | {"help"} for c in said["commands"]}
    wrong = []
    for line in re.findall(r"^ {4}(?:.*-- )?hawse (?!\$)(.*)", text, flags=re.M):
        words = line.split("#")[0].split()
        if words[0] not in known and words[0] != "help":
            wrong.append(line)
            continue
        if words[0] == "call":
            continue  # a plugin's verbs have options of their own
        wrong += [f"{line}: {o}" for o in re.findall(r"(?<!\S)--([a-z-]+)", " ".join(words)) if o not in known[words[0]]]
    check(f"commands of {document.relative_to(ROOT)} exist", not wrong, wrong)


def pages(said):
    """Manual pages: commands in their examples, and the services that the page on plugins lists."""
    for page in PAGES:
        examples = "\n".join(re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page.read_text(), flags=re.S | re.M))
        commands(said, page, "".join(f"    {line}\n" for line in examples.splitlines()))
    services = set(re.findall(r'^#define HAWSE_\w+_ID "(hawse\.\w+/\d)"', "".join(
        p.read_text() for p in (ROOT / "sdk/include/hawse/service").glob("*.h")), flags=re.M))
    missing = sorted(s for s in services if s not in PAGES[1].read_text())
    check(f"{len(services)} services are on the page on plugins", services and not missing, missing)


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
    pages(said)
    made = set(re.findall(r'id="([^"]+)"', pathlib.Path(reference).read_text()))
    names = set(re.findall(r"\b(hawse_[a-z0-9_]+_t|HAWSE_[A-Z0-9_]+)\b", (ROOT / "sdk/abi/v1.layout").read_text()))
    check(f"{len(names)} names of the ABI are in its reference", not names - made, sorted(names - made))
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
