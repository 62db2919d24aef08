/* A plugin file's judgement on any bytes: it never crashes and never reads beyond them. */
#include "plugin/elf_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *ctx, const char *name)
{
    *(size_t *)ctx += strlen(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_file elf;
    struct fault fault = {0};
    size_t sum = 0;
    if (elf_read(data, size, &elf, &fault) != 0)
        return 0;
    for (size_t i = 0; i < elf.export_count && i < ELF_EXPORTS; i++) {
        sum += strlen(elf.exports[i].name);
        for (uint64_t b = 0; elf.exports[i].data && b < elf.exports[i].size; b++)
            sum += elf.exports[i].data[b];
    }
    sum += elf.rpath ? strlen(elf.rpath) : 0;
    (void)elf_imports(data, size, count, &sum, NULL);
    if (sum == SIZE_MAX) /* so that the reads are made */
        abort();
    return 0;
}
