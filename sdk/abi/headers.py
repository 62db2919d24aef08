"""What the public headers declare: the one reader of them, for the layout and for the Rust crate.

Owns: the house's forms of a declaration, and nothing more of C. Must never: guess. What it does not
understand ends the run, with the place.
"""
import pathlib
import re
import sys

SCALARS = {"void": 0, "char": 1, "uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8, "int32_t": 4, "int64_t": 8}
VERBS = ("borrows", "fills", "gives", "ends", "lends")
THREADS = ("lane", "any", "pool")


def names(include):
    """The headers of the ABI: what both sides are compiled with. The SDK's library is not part of it."""
    rooms = [f"{room}/{path.name}" for room in ("service", "space") for path in sorted((include / "hawse" / room).glob("*.h"))]
    return ["types.h", "hawse.h", *rooms]


class Type:
    """A type without typedefs. As C: "const struct hawse_event *const *", an array's dimensions, or a function."""
    def __init__(self, words, dims=(), returns=None, params=None, said=""):
        self.words, self.dims, self.returns, self.params = words, list(dims), returns, params
        self.said = said  # as the header has it, with typedefs

    def text(self):
        if self.params is not None:
            args = ", ".join(p.text() for _, p in self.params) or "void"
            return f"{self.returns.text()} (*)({args})"
        return self.words + "".join(f"[{d}]" for d in self.dims)

    def pointer_to(self):
        """The type of its address, which every compiler can compare exactly."""
        if self.params is not None:
            return self.text().replace("(*)", "(**)", 1)
        return f"{self.words} (*){''.join(f'[{d}]' for d in self.dims)}" if self.dims else f"{self.words} *"

    def pointer(self):
        return "*" in self.words or self.words == "struct hawse_view"


class Struct:
    def __init__(self, name, doc):
        self.name, self.doc, self.fields = name, doc, []


class Field:
    def __init__(self, name, text, kind, doc):
        self.name, self.text, self.type, self.doc = name, text, kind, doc


class Headers:
    def __init__(self, include):
        self.include = pathlib.Path(include)
        self.names = names(self.include)
        self.structs, self.constants, self.typedefs, self.exports, self.inlines, self.errors = {}, {}, {}, [], [], []
        texts = [(name, (self.include / "hawse" / name).read_text()) for name in self.names]
        for name, text in texts:
            self.where = name
            self.read_constants(text)
            self.read_typedefs(text)
        for name, text in texts:
            self.where = name
            self.read_structs(text)
            self.read_functions(text)

    def stop(self, message):
        sys.exit(f"headers: {self.where}: {message}")

    def read_constants(self, text):
        for match in re.finditer(r"^#define\s+(HAWSE_\w+)\s+(\S.*(?:\\\n.*)?)$", plain(text), flags=re.M):
            if not match.group(1).endswith("_H") and match.group(1) != "HAWSE_EXPORT":
                self.constants[match.group(1)] = match.group(2).replace("\\\n", " ").strip()
        for code, name, meaning in re.findall(r'\bX\((-\d+), (\w+), "([^"]*)"\)', text):
            if code in (e[0] for e in self.errors):
                self.stop(f"two errors have the code {code}")
            self.errors.append((code, name, meaning))
            self.constants[f"HAWSE_E_{name}"] = code

    def read_typedefs(self, text):
        text = plain(text)
        for base, name in re.findall(r"^typedef\s+(\w+)\s+(hawse_\w+);", text, flags=re.M):
            self.typedefs[name] = base
        for struct, name in re.findall(r"^typedef\s+struct\s+(hawse_\w+)\s+(hawse_\w+);", text, flags=re.M):
            self.typedefs[name] = f"struct {struct}"
        for name in re.findall(r"^\}\s*(hawse_\w+);", text, flags=re.M):
            self.typedefs[name] = f"struct {name[:-2]}"

    def read_structs(self, text):
        form = r"((?:/\*(?:(?!\*/).)*\*/\s*)?)(?:typedef\s+)?struct\s+(hawse_\w+)\s*\{(.*?)\n\}"
        for doc, name, body in re.findall(form, text, flags=re.S):
            struct = self.structs[name] = Struct(name, comment(doc))
            at, said = 0, ""
            for part in re.finditer(r"/\*(.*?)\*/|(\w(?:[^;/]|/(?!\*)|/\*.*?\*/)*);", body, flags=re.S):
                between, at = body[at:part.start()], part.end()
                if between.strip():
                    self.stop(f"struct {name}: not understood: {between.strip()}")
                if part.group(2) is None:
                    if struct.fields and "\n" not in between:  # behind its field
                        struct.fields[-1].doc += comment(part.group(0))
                    else:
                        said = comment(part.group(0))
                    continue
                for field in self.members(name, one_line(plain(part.group(2))), said):
                    struct.fields.append(field)
                said = ""

    def members(self, struct, text, doc):
        pointer = re.fullmatch(r"(.*?)\(\s*\*\s*(\w+)\s*\)\s*\((.*)\)", text)
        if pointer:
            kind = Type(None, returns=self.resolve(pointer.group(1)), params=self.params(pointer.group(3)))
            yield Field(pointer.group(2), text, kind, doc)
            return
        first, *others = text.split(",")
        shared = re.sub(r"\w+\s*(\[[^\]]*\]\s*)*$", "", first).strip()
        for part in [first, *(f"{shared} {other.strip()}" for other in others)]:
            part = one_line(part)
            match = re.fullmatch(r"(.*?)(\w+)((?:\[[^\]]*\])*)", part)
            if not match or not match.group(1):
                self.stop(f"struct {struct}: not understood: {part}")
            dims = [self.number(d) for d in re.findall(r"\[([^\]]*)\]", match.group(3))]
            base = self.resolve(match.group(1))
            yield Field(match.group(2), part, Type(base.words, dims, said=base.said), doc)

    def params(self, text):
        if text.strip() in ("", "void"):
            return []
        found = []
        for part in text.split(","):
            match = re.fullmatch(r"\s*(.*?)(\w+)\s*", part, flags=re.S)
            found.append((match.group(2), self.resolve(match.group(1))))
        return found

    def resolve(self, text):
        tokens = re.findall(r"\w+|\*", text)
        words, stars = [], []
        for token in (t for t in tokens if t not in ("struct", "extern")):
            if token == "*" or stars:
                stars.append(token)
            else:
                words.append(token)
        base = next((w for w in words if w != "const"), None)
        while base in self.typedefs and not base.startswith("struct "):
            base = self.typedefs[base]
        if f"{base}_t" in self.typedefs:
            base = f"struct {base}"
        if base not in SCALARS and not str(base).startswith("struct "):
            self.stop(f"no type of the ABI: {one_line(text)}")
        words = ("const " if "const" in words else "") + base
        for star in stars:
            words += star if star == "*" and words.endswith("*") else f" {star}"
        return Type(words, said=one_line(text))

    def number(self, text):
        text = text.strip()
        while text in self.constants:
            text = self.constants[text]
        return int(text.rstrip("uUlL"), 0)

    def read_functions(self, text):
        form = r"((?:/\*(?:(?!\*/).)*\*/\s*)?)^HAWSE_EXPORT\s+([^;(]*?)(\w+)(\([^;]*\)|\[\]);"
        for doc, returns, name, rest in re.findall(form, text, flags=re.S | re.M):
            declared = one_line(returns + name + rest)
            if rest == "[]":
                self.exports.append(Field(name, declared, Type(self.resolve(returns).words), comment(doc)))
            else:
                kind = Type(None, returns=self.resolve(returns), params=self.params(rest[1:-1]))
                self.exports.append(Field(name, declared, kind, comment(doc)))
        for declared in re.findall(r"^static inline ([^{;]*?\))\s*\{", plain(text), flags=re.M):
            self.inlines.append(one_line(declared))

    def functions(self):
        """(whose, field) of every function that crosses the boundary."""
        for struct in self.structs.values():
            yield from ((f"struct {struct.name} function {f.name}", f) for f in struct.fields if f.type.params is not None)
        yield from ((f"export {f.name}", f) for f in self.exports if f.type.params is not None)


def plain(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def one_line(text):
    return " ".join(text.split())


def comment(text):
    """The words of a comment; paragraphs stay apart."""
    text = re.sub(r"^\s*/\*|\*/\s*$", "", text.strip())
    lines = [re.sub(r"^\s*\* ?", "", line).strip() for line in text.strip().splitlines()]
    return "\n".join(lines).strip()


def tag(whose, field):
    """Facts of the tag that opens a function's comment: its thread, and who owns what it takes and gives."""
    match = re.match(r"\[(\w+)((?:, ?[^\];]+)?)(?:;([^\]]*))?\]", one_line(field.doc))
    if not match or match.group(1) not in THREADS:
        sys.exit(f"layout: {whose}: its comment must open with a tag, [lane], [any] or [pool]: see hawse.h")
    facts = [f"{whose} thread [{match.group(1)}{match.group(2)}]"]
    owned, verb = [], None
    for clause in (c.strip() for c in (match.group(3) or "").split(",") if c.strip()):
        words = clause.split(" ", 2)
        if words[0] in VERBS:
            verb, words = words[0], words[1:]
        if not verb or not words:
            sys.exit(f"layout: {whose}: not understood in its tag: {clause}; known: {', '.join(VERBS)}")
        owned.append(words[0])
        facts.append(f"{whose} {verb} {' '.join(words)}")
    must = [name for name, kind in field.type.params if kind.pointer() and name not in ("host", "state")]
    must += ["state"] if field.name in ("create", "destroy") else []
    must += ["return"] if "*" in field.type.returns.words else []
    if sorted(must) != sorted(owned):
        sys.exit(f"layout: {whose}: its tag must say whose these are: {', '.join(must) or 'none'}; it says "
                 f"{', '.join(owned) or 'none'}")
    return facts
