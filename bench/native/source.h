/* The FLV file that publisher and floor play in a loop. */
#ifndef OXBOW_BENCH_SOURCE_H
#define OXBOW_BENCH_SOURCE_H

#include "frames.h"

struct tag {
    uint8_t type;
    uint32_t timestamp_ms;
    size_t offset, size; /* of the payload in the file */
};

struct source {
    int fd; /* a memfd that holds the file */
    uint8_t *data;
    size_t size;
    struct tag *tags;
    size_t tag_count;
    size_t first_frame;   /* index of the first tag that is neither metadata nor a sequence header */
    uint32_t duration_ms; /* of one round of the loop */
};

struct source source_load(const char *path);
/* Where a tag begins in the file; its payload begins 11 bytes later. */
size_t source_tag_start(const struct tag *tag);

#endif
