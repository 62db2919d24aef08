/*
 * Any bytes as a capture file, and as the records that a chunk holds. Whatever is read must lie
 * within what was given; a file that is read to its end must have been whole.
 */
#include "record/reader.h"
#include "record/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
            touch(record_call_name(call.call), 1);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
