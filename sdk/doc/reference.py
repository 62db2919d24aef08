"""The ABI reference as one HTML page, made of the public headers: their words are the reference, so that it can't say
anything else than they do.

    reference.py INCLUDE OUT.html      INCLUDE: the folder that has hawse/
"""
import html
import pathlib
import re
import sys

FIRST = ["hawse.h", "types.h"]
PARTS = [("", "The core"), ("service", "Services"), ("space", "Event spaces"), ("amm", "Mathematics of pools"),
         ("solana", "Solana")]
NAME = re.compile(r"\b(hawse_[a-z0-9_]+|HAWSE_[A-Z0-9_]+)\b")
DEFINES = [re.compile(r"^#define\s+(HAWSE_[A-Z0-9_]+)", re.M),  # what a line of code makes a name known by
           re.compile(r"^\}\s*(hawse_[a-z0-9_]+_t);", re.M),
           re.compile(r"^typedef\s+(?:struct\s+)?[\w ]+\b(hawse_[a-z0-9_]+_t);", re.M),
           re.compile(r"^(?:static inline |extern |HAWSE_EXPORT )*[\w ]+[ *](hawse_[a-z0-9_]+)\(", re.M)]
STYLE = """body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
pre{background:#f4f4f2;padding:.7em 1em;overflow-x:auto;font-size:14px;line-height:1.35}
h2{border-top:1px solid #ccc;padding-top:1em;margin-top:2em} a{color:#0a58a8;text-decoration:none}
.index{columns:3;font-size:14px} .words{white-space:normal}"""


def headers(include):
    """(part, path) in reading order."""
    root = pathlib.Path(include) / "hawse"
    for folder, _ in PARTS:
        found = sorted(p.name for p in (root / folder).glob("*.h"))
        for name in sorted(found, key=lambda n: (FIRST.index(n) if n in FIRST else len(FIRST), n)):
            yield folder, root / folder / name


def pieces(text):
    """Comments that stand by themselves and the code between them, in order: ("words" | "code", text)."""
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", text, flags=re.S)
    text = re.sub(r"^#(ifndef HAWSE_\w*H|define HAWSE_\w*_H|define HAWSE_H|endif)\s*$\n?", "", text, flags=re.M)
    code = []
    for part in re.split(r"(^/\*.*?\*/[ \t]*$)", text, flags=re.S | re.M):
        if part.startswith("/*"):
            if "".join(code).strip():
                yield "code", "".join(code).strip("\n")
            code = []
            yield "words", part
        else:
            code.append(part)
    if "".join(code).strip():
        yield "code", "".join(code).strip("\n")


def paragraphs(comment):
    """A comment's text as paragraphs; what is indented stays as it is."""
    body = re.sub(r"^/\*+-*|-*\*/\s*$", "", comment)
    lines = [re.sub(r"^ \* ?|^ \*$", "", line) for line in body.splitlines()]
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip()):
        block = re.sub(r"^-+ | -+$", "", block)
        indented = any(line.startswith("  ") for line in block.splitlines()[1:]) or block.startswith("    ")
        yield ("pre" if indented else "p"), block


def link(text, known, here=()):
    """Escaped text in which every known name leads to where it is made."""
    return NAME.sub(lambda m: f'<a href="#{m.group(0)}">{m.group(0)}</a>' if m.group(0) in known and m.group(0) not in here
                    else m.group(0), html.escape(text, quote=False))


def names_in(code):
    errors = ["HAWSE_E_" + name for name in re.findall(r"^    X\(-\d+, ([A-Z]+), ", code, flags=re.M)]
    return errors + [name for pattern in DEFINES for name in pattern.findall(code)]


def section(path, text, known):
    title = f"hawse/{path.relative_to(path.parents[[p.name for p in path.parents].index('hawse')])}"
    out = [f'<h2 id="{title}">&lt;{title}&gt;</h2>']
    for kind, part in pieces(text):
        if kind == "code":
            own = names_in(part)
            out += [f'<a id="{name}"></a>' for name in own]
            out.append(f"<pre>{link(part, known, own)}</pre>")
        else:
            out += [f"<{tag}>{link(block, known)}</{tag}>" for tag, block in paragraphs(part)]
    return "\n".join(out)


def main(include, out):
    texts = [(folder, path, path.read_text()) for folder, path in headers(include)]
    known = {name for _, _, text in texts for name in names_in(text)}
    body, contents = [], []
    for folder, title in PARTS:
        contents.append(f"<h3>{title}</h3><ul>")
        for part, path, text in texts:
            if part == folder:
                name = f"hawse/{part + '/' if part else ''}{path.name}"
                contents.append(f'<li><a href="#{name}">{name}</a></li>')
                body.append(section(path, text, known))
        contents.append("</ul>")
    index = "\n".join(f'<a href="#{name}">{name}</a><br>' for name in sorted(known, key=lambda n: (n.lower(), n)))
    pathlib.Path(out).write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>hawse ABI reference</title>'
        f"<style>{STYLE}</style></head><body>\n<h1>hawse: ABI reference</h1>\n"
        f"<p>Made of the public headers, which say the same.</p>\n{''.join(contents)}\n{''.join(body)}\n"
        f'<h2>All names</h2><div class="index">{index}</div></body></html>\n', encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
