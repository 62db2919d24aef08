/* Reads ELF files; see elf_file.h. Every offset is checked before it is used. */
#include "plugin/elf_file.h"

#include <elf.h>
#include <hawse/types.h>
#include <string.h>

enum { SYMBOLS_MAX = 1 << 20 };

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "hawse knows x86-64 and AArch64"
#endif

struct view {
    const uint8_t *bytes;
    size_t len;
    Elf64_Ehdr header;
    uint64_t symtab, strtab, strsz, hash, gnu_hash, rpath;
    bool has_rpath, textrel;
    uint64_t needed[ELF_NEEDED];
    size_t needed_count;
};

static bool inside(const struct view *v, uint64_t offset, uint64_t size)
{
    return offset <= v->len && size <= v->len - offset;
}

static bool program_header(const struct view *v, unsigned i, Elf64_Phdr *out)
{
    uint64_t at = v->header.e_phoff + (uint64_t)i * sizeof(*out);
    if (!inside(v, at, sizeof(*out)))
        return false;
    memcpy(out, v->bytes + at, sizeof(*out));
    return true;
}

/* File offset of a virtual address, UINT64_MAX when it is not in the file. */
static uint64_t offset_of(const struct view *v, uint64_t address, uint64_t size)
{
    Elf64_Phdr p;
    for (unsigned i = 0; i < v->header.e_phnum && program_header(v, i, &p); i++) {
        if (p.p_type != PT_LOAD || address < p.p_vaddr || address - p.p_vaddr >= p.p_filesz ||
            size > p.p_filesz - (address - p.p_vaddr))
            continue;
        uint64_t offset = p.p_offset + (address - p.p_vaddr);
        return inside(v, offset, size) ? offset : UINT64_MAX;
    }
    return UINT64_MAX;
}

static int32_t bad(struct fault *fault, const char *what)
{
    return fault_set(fault, HAWSE_E_FORMAT, "%s", what);
}

static int32_t read_header(struct view *v, struct fault *fault)
{
    if (v->len < sizeof(v->header))
        return bad(fault, "not a shared object: the file is too short for an ELF header");
    memcpy(&v->header, v->bytes, sizeof(v->header));
    if (memcmp(v->header.e_ident, ELFMAG, SELFMAG) != 0)
        return bad(fault, "not a shared object: expected the ELF magic number at its beginning");
    if (v->header.e_ident[EI_CLASS] != ELFCLASS64 || v->header.e_ident[EI_DATA] != ELFDATA2LSB)
        return bad(fault, "expected a 64-bit little-endian ELF file, found another class");
    if (v->header.e_machine != MACHINE)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "built for another machine: ELF machine %u, this "
                         "host is %u",
                         v->header.e_machine, MACHINE);
    if (v->header.e_type != ET_DYN)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "not a shared object: ELF type %u, expected %u "
                         "(build with -shared)",
                         v->header.e_type, ET_DYN);
    if (v->header.e_phentsize != sizeof(Elf64_Phdr) || v->header.e_phnum == 0)
        return bad(fault, "the ELF file has no program headers");
    return HAWSE_OK;
}

static void take_dynamic(struct view *v, const Elf64_Dyn *d)
{
    switch (d->d_tag) {
    case DT_SYMTAB:
        v->symtab = d->d_un.d_ptr;
        break;
    case DT_STRTAB:
        v->strtab = d->d_un.d_ptr;
        break;
    case DT_STRSZ:
        v->strsz = d->d_un.d_val;
        break;
    case DT_HASH:
        v->hash = d->d_un.d_ptr;
        break;
    case DT_GNU_HASH:
        v->gnu_hash = d->d_un.d_ptr;
        break;
    case DT_RPATH:
    case DT_RUNPATH:
        v->rpath = d->d_un.d_val;
        v->has_rpath = true;
        break;
    case DT_NEEDED:
        if (v->needed_count < ELF_NEEDED)
            v->needed[v->needed_count] = d->d_un.d_val;
        v->needed_count++;
        break;
    case DT_TEXTREL:
        v->textrel = true;
        break;
    case DT_FLAGS:
        v->textrel = v->textrel || (d->d_un.d_val & DF_TEXTREL) != 0;
        break;
    default:
        break;
    }
}

static int32_t read_segments(struct view *v, struct elf_file *out, struct fault *fault)
{
    Elf64_Phdr p;
    bool dynamic = false;
    for (unsigned i = 0; i < v->header.e_phnum; i++) {
        if (!program_header(v, i, &p))
            return bad(fault, "the ELF program headers reach beyond the file: is it truncated?");
        if (p.p_type == PT_LOAD && !inside(v, p.p_offset, p.p_filesz))
            return bad(fault, "an ELF segment reaches beyond the file: is it truncated?");
        if (p.p_type == PT_LOAD && (p.p_flags & PF_W) && (p.p_flags & PF_X))
            out->writable_code = true;
        if (p.p_type == PT_GNU_STACK)
            out->executable_stack = (p.p_flags & PF_X) != 0;
        if (p.p_type != PT_DYNAMIC || !inside(v, p.p_offset, p.p_filesz))
            continue;
        dynamic = true;
        for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= p.p_filesz; at += sizeof(Elf64_Dyn)) {
            Elf64_Dyn d;
            memcpy(&d, v->bytes + p.p_offset + at, sizeof(d));
            if (d.d_tag == DT_NULL)
                break;
            take_dynamic(v, &d);
        }
    }
    out->text_relocations = v->textrel;
    return dynamic ? HAWSE_OK : bad(fault, "the ELF file has no dynamic section");
}

static uint32_t word_at(const struct view *v, uint64_t address, bool *good)
{
    uint64_t offset = offset_of(v, address, 4);
    uint32_t word = 0;
    if (offset == UINT64_MAX)
        *good = false;
    else
        memcpy(&word, v->bytes + offset, 4);
    return word;
}

/* Number of dynamic symbols: stated by DT_HASH, or the end of the last chain of DT_GNU_HASH. */
static uint32_t symbol_count(const struct view *v)
{
    bool good = true;
    if (v->hash) {
        uint32_t n = word_at(v, v->hash + 4, &good);
        return good ? n : 0;
    }
    uint32_t buckets = word_at(v, v->gnu_hash, &good), first = word_at(v, v->gnu_hash + 4, &good);
    uint32_t bloom = word_at(v, v->gnu_hash + 8, &good), last = 0;
    uint64_t table = v->gnu_hash + 16 + (uint64_t)bloom * 8;
    uint64_t chains = table + (uint64_t)buckets * 4;
    for (uint32_t i = 0; i < buckets && good && i < SYMBOLS_MAX; i++) {
        uint32_t start = word_at(v, table + (uint64_t)i * 4, &good);
        last = start > last ? start : last;
    }
    if (!good || last < first)
        return good ? first : 0;
    for (uint32_t steps = 0; steps < SYMBOLS_MAX; steps++, last++) {
        if ((word_at(v, chains + (uint64_t)(last - first) * 4, &good) & 1u) || !good)
            break;
    }
    return good ? last + 1 : 0;
}

/* A NUL-terminated name in the string table, or NULL. */
static const char *name_at(const struct view *v, uint64_t index)
{
    uint64_t offset = offset_of(v, v->strtab, v->strsz);
    if (offset == UINT64_MAX || index >= v->strsz)
        return NULL;
    const char *name = (const char *)v->bytes + offset + index;
    return memchr(name, '\0', v->strsz - index) ? name : NULL;
}

/* What every linker adds by itself. */
static bool from_toolchain(const char *name)
{
    static const char *const names[] = {"_init", "_fini",         "__bss_start", "_edata",
                                        "_end",  "__bss_start__", "_bss_end__",  "__end__"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void take_symbol(const struct view *v, const Elf64_Sym *s, struct elf_file *out)
{
    unsigned bind = ELF64_ST_BIND(s->st_info), type = ELF64_ST_TYPE(s->st_info);
    unsigned visibility = ELF64_ST_VISIBILITY(s->st_other);
    const char *name = name_at(v, s->st_name);
    if (s->st_shndx == SHN_UNDEF || bind == STB_LOCAL || visibility == STV_HIDDEN ||
        visibility == STV_INTERNAL || !name || !name[0] || from_toolchain(name))
        return;
    if (out->export_count < ELF_EXPORTS) {
        struct elf_export *e = &out->exports[out->export_count];
        uint64_t offset = type == STT_FUNC ? UINT64_MAX : offset_of(v, s->st_value, s->st_size);
        *e = (struct elf_export){.name = name, .size = s->st_size, .function = type == STT_FUNC};
        e->data = offset == UINT64_MAX ? NULL : v->bytes + offset;
    }
    out->export_count++;
}

/* Reads all but the symbols, and finds where those are. */
static int32_t read_view(struct view *v, struct elf_file *out, uint32_t *count, uint64_t *at,
                         struct fault *fault)
{
    memset(out, 0, sizeof(*out));
    out->bytes = v->bytes;
    out->len = v->len;
    int32_t code = read_header(v, fault);
    if (code == HAWSE_OK)
        code = read_segments(v, out, fault);
    if (code != HAWSE_OK)
        return code;
    if (!v->symtab || !v->strtab || (!v->hash && !v->gnu_hash))
        return bad(fault, "the ELF file has no dynamic symbols");
    *count = symbol_count(v);
    *at = offset_of(v, v->symtab, (uint64_t)*count * sizeof(Elf64_Sym));
    if (*count > SYMBOLS_MAX || *at == UINT64_MAX)
        return bad(fault, "the ELF symbol table reaches beyond the file: is it truncated?");
    return HAWSE_OK;
}

int32_t elf_read(const uint8_t *bytes, size_t len, struct elf_file *out, struct fault *fault)
{
    struct view v = {.bytes = bytes, .len = len};
    uint32_t count = 0;
    uint64_t at = 0;
    int32_t code = read_view(&v, out, &count, &at, fault);
    if (code != HAWSE_OK)
        return code;
    for (uint32_t i = 1; i < count; i++) {
        Elf64_Sym s;
        memcpy(&s, bytes + at + (uint64_t)i * sizeof(s), sizeof(s));
        take_symbol(&v, &s, out);
    }
    out->rpath = v.has_rpath ? name_at(&v, v.rpath) : NULL;
    out->needed_count = v.needed_count;
    for (size_t i = 0; i < v.needed_count && i < ELF_NEEDED; i++)
        out->needed[i] = name_at(&v, v.needed[i]);
    return HAWSE_OK;
}

int32_t elf_imports(const uint8_t *bytes, size_t len, void (*import)(void *ctx, const char *name),
                    void *ctx, struct fault *fault)
{
    struct view v = {.bytes = bytes, .len = len};
    struct elf_file file;
    uint32_t count = 0;
    uint64_t at = 0;
    int32_t code = read_view(&v, &file, &count, &at, fault);
    for (uint32_t i = 1; code == HAWSE_OK && i < count; i++) {
        Elf64_Sym s;
        memcpy(&s, bytes + at + (uint64_t)i * sizeof(s), sizeof(s));
        const char *name = s.st_shndx == SHN_UNDEF ? name_at(&v, s.st_name) : NULL;
        if (name && name[0])
            import(ctx, name);
    }
    return code;
}

const struct elf_export *elf_find(const struct elf_file *file, const char *name)
{
    for (size_t i = 0; i < file->export_count && i < ELF_EXPORTS; i++) {
        if (strcmp(file->exports[i].name, name) == 0)
            return &file->exports[i];
    }
    return NULL;
}
