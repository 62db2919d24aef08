/*
 * Any bytes as a capture file ("r" in front: as the records of a chunk; "w" in front: as the
 * records of a capture whose checksums are right, walked callback by callback). Whatever is read
 * must lie within what was given, and every error must have words.
 */
#include "record/reader.h"
#include "record/record.h"
#include "replay/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const void *bytes, uint64_t len)
{
    volatile uint8_t sum = 0;
    for (uint64_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
}

static void read_records(const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    bool bad;
    const struct record_head *head;
    while ((head = record_next(bytes, len, &at, &bad)) != NULL) {
        struct record_call call;
        hawse_event_t event;
        uint64_t handle;
        hawse_view_t text;
        if (record_read_call(head, &call)) {
            for (uint8_t i = 0; i < call.view_count; i++)
                touch(call.views[i].data, call.views[i].len);
            if (call.call == CALL_PUBLISH) {
                record_published(&call, head->instance, &event);
                touch(event.data, event.len);
            }
            touch(record_call_words(call.call), 1);
        }
        if (record_read_event(head, &event))
            touch(event.data, event.len);
        if (record_read_instance(head, &handle, &text))
            touch(text.data, text.len);
        touch(record_read_fixed(head, RECORD_BEGIN, sizeof(struct record_begin)) ? head : NULL, 0);
    }
}

static void read_file(const uint8_t *data, size_t size)
{
    char path[64];
    struct reader *reader = NULL;
    struct fault fault = {0};
    const uint8_t *bytes;
    size_t len;
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (reader_open(path, &reader, &fault) == 0) {
        while (reader_next(reader, &bytes, &len, &fault) == 1)
            read_records(bytes, len);
        reader_close(reader);
    } else if (fault.code == 0) {
        abort(); /* an error without a word */
    }
    (void)close(fd);
}

static int write_capture(const uint8_t *raw, size_t len)
{
    struct format_file header = {.magic = {'H', 'A', 'W', 'S', 'E', 'R', 'E', 'C'},
                                 .version = FORMAT_VERSION,
                                 .size = sizeof(header),
                                 .segment = 1};
    struct format_chunk chunk = {
        .magic = FORMAT_CHUNK_MAGIC, .type = CHUNK_RECORDS, .raw_len = (uint32_t)len, .number = 1};
    uint8_t hash[FORMAT_HASH];
    size_t bound = ZSTD_compressBound(len);
    uint8_t *stored = malloc(bound);
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (!stored || fd < 0)
        abort();
    chunk.stored_len = (uint32_t)ZSTD_compress(stored, bound, raw, len, 1);
    format_file_seal(&header);
    if (!format_first_hash(&header, hash) || !format_chunk_hash(&chunk, hash, stored, chunk.hash))
        abort();
    format_chunk_seal(&chunk);
    if (write(fd, &header, sizeof(header)) < 0 || write(fd, &chunk, sizeof(chunk)) < 0 ||
        write(fd, stored, chunk.stored_len) < 0)
        abort();
    free(stored);
    return fd;
}

static void walk_records(const uint8_t *raw, size_t len)
{
    char path[64], line[WORDS_LINE], text[WORDS_TEXT];
    struct walk *walk = NULL;
    struct walk_step step = {0};
    struct fault fault = {0};
    int fd = write_capture(raw, len);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (walk_open(path, &walk, &fault) != 0)
        abort();
    int32_t code;
    while ((code = walk_next(walk, &step, &fault)) == 0 && step.kind != WALK_END) {
        if (step.kind == WALK_CALLBACK)
            callback_words(&step, text);
        for (uint32_t i = 0; i < step.event_count; i++) {
            touch(step.event_list[i]->data, step.event_list[i]->len);
            event_words(&step.events[i], line);
        }
        for (uint32_t i = 0; i < step.call_count; i++) {
            call_words(&step.calls[i], line);
            call_difference(&step.calls[i], &step.calls[step.call_count - 1 - i], line);
            if (!call_same(&step.calls[i], &step.calls[i]))
                abort();
        }
    }
    if ((code < 0) != (fault.code < 0))
        abort();
    walk_close(walk);
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'w') {
        walk_records(data + 1, size - 1);
        return 0;
    }
    if (size > 0 && data[0] == 'r') {
        size_t len = (size - 1) / 8 * 8;
        uint8_t *copy = malloc(len + 1); /* aligned, and exactly as long */
        if (!copy)
            abort();
        memcpy(copy, data + 1, len);
        read_records(copy, len);
        free(copy);
    } else {
        read_file(data, size);
    }
    return 0;
}
