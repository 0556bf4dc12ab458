#define _GNU_SOURCE
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

static void copy_into_memory(struct source *source, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status))
        die("cannot read %s", path);
    source->size = (size_t)status.st_size;
    source->fd = memfd_create("oxbow-bench-source", MFD_CLOEXEC);
    if (source->fd < 0 || ftruncate(source->fd, status.st_size))
        die("cannot create a memfd of %zu bytes", source->size);
    source->data = mmap(NULL, source->size, PROT_READ | PROT_WRITE, MAP_SHARED, source->fd, 0);
    if (source->data == MAP_FAILED || fread(source->data, 1, source->size, file) != source->size)
        die("cannot load %s", path);
    fclose(file);
}

static bool is_header(const struct source *source, const struct tag *tag)
{
    const uint8_t *payload = source->data + tag->offset;
    return tag->type == TAG_SCRIPT || tag->size < 2 || payload[1] == 0;
}

/* A round ends one picture's step after its last picture, and begins with its first. */
static void measure_duration(struct source *source)
{
    uint32_t first = 0, last = 0, step = 0;
    for (size_t i = source->first_frame, pictures = 0; i < source->tag_count; i++) {
        const struct tag *tag = &source->tags[i];
        if (!is_picture(tag->type, source->data + tag->offset, tag->size))
            continue;
        if (!pictures++)
            first = tag->timestamp_ms;
        step = tag->timestamp_ms - last;
        last = tag->timestamp_ms;
    }
    if (last == first)
        die("the source holds fewer than two H.264 pictures");
    source->duration_ms = last + step - first;
}

struct source source_load(const char *path)
{
    struct source source = {0};
    copy_into_memory(&source, path);
    source.tags = calloc(source.size / FLV_TAG_HEADER + 1, sizeof *source.tags);
    for (size_t at = FLV_FILE_HEADER; at + FLV_TAG_HEADER < source.size;) {
        const uint8_t *header = source.data + at;
        struct tag *tag = &source.tags[source.tag_count++];
        *tag = (struct tag){.type = header[0], .offset = at + FLV_TAG_HEADER, .size = get_be24(header + 1)};
        tag->timestamp_ms = get_be24(header + 4) | (uint32_t)header[7] << 24;
        at = tag->offset + tag->size + FLV_TAG_TRAILER;
        if (at > source.size)
            source.tag_count--; /* cut off by the end of the file */
    }
    while (source.first_frame < source.tag_count && is_header(&source, &source.tags[source.first_frame]))
        source.first_frame++;
    measure_duration(&source);
    return source;
}

size_t source_tag_start(const struct tag *tag)
{
    return tag->offset - FLV_TAG_HEADER;
}
