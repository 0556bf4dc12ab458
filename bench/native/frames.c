#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Collects input until the scan holds `wanted` bytes; false when the input ends before. */
static bool collect(struct flv_scan *scan, struct input *input, size_t wanted)
{
    size_t step = smaller(input->size, wanted - scan->have);
    memcpy(scan->held + scan->have, input->data, step);
    scan->have += step;
    input->data += step;
    input->size -= step;
    return scan->have == wanted;
}

static bool skip(struct flv_scan *scan, struct input *input)
{
    size_t step = smaller(input->size, scan->skip);
    scan->skip -= step;
    input->data += step;
    input->size -= step;
    return scan->skip == 0;
}

void flv_scan(struct flv_scan *scan, const uint8_t *data, size_t size, frame_fn *on_frame, void *context)
{
    struct input input = {data, size};
    for (;;) {
        size_t body = scan->have >= FLV_TAG_HEADER ? get_be24(scan->held + 1) : 0;
        size_t head = smaller(body, FRAME_HEAD);
        switch (scan->state) {
        case IN_FILE_HEADER:
            if (!collect(scan, &input, FLV_FILE_HEADER))
                return;
            scan->have = 0;
            scan->state = IN_TAG_HEADER;
            break;
        case IN_TAG_HEADER:
            if (!collect(scan, &input, FLV_TAG_HEADER))
                return;
            scan->state = IN_FRAME_HEAD;
            break;
        case IN_FRAME_HEAD:
            if (!collect(scan, &input, FLV_TAG_HEADER + head))
                return;
            scan->skip = body - head + FLV_TAG_TRAILER;
            scan->state = IN_FRAME_REST;
            break;
        case IN_FRAME_REST:
            if (!skip(scan, &input))
                return;
            on_frame(context, scan->held[0], scan->held + FLV_TAG_HEADER, head);
            scan->have = 0;
            scan->state = IN_TAG_HEADER;
            break;
        }
    }
}

bool is_picture(uint8_t type, const uint8_t *head, size_t length)
{
    return type == TAG_VIDEO && length > PICTURE_HEADER && (head[0] & 0x0f) == 7 && head[1] == 1;
}

bool is_key_picture(uint8_t type, const uint8_t *head, size_t length)
{
    return is_picture(type, head, length) && head[0] >> 4 == 1;
}

static const char STAMP_NAME[] = "oxbow-bench-time";
enum { STAMP_NAME_SIZE = 16, STAMP_DIGITS = 16, STAMP_PREFIX = 7 };
/* Length of the NAL unit, its type (6: SEI), the message's type (5: unregistered user data) and size. */
static const uint8_t STAMP_START[STAMP_PREFIX] = {0, 0, 0, STAMP_SIZE - 4, 6, 5, STAMP_NAME_SIZE + STAMP_DIGITS};

void write_stamp(uint8_t nal_unit[STAMP_SIZE], int64_t at_us)
{
    char digits[STAMP_DIGITS + 1];
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)at_us);
    memcpy(nal_unit, STAMP_START, STAMP_PREFIX);
    memcpy(nal_unit + STAMP_PREFIX, STAMP_NAME, STAMP_NAME_SIZE);
    memcpy(nal_unit + STAMP_PREFIX + STAMP_NAME_SIZE, digits, STAMP_DIGITS);
    nal_unit[STAMP_SIZE - 1] = 0x80; /* the stop bit */
}

int64_t read_stamp(uint8_t type, const uint8_t *head, size_t length)
{
    char digits[STAMP_DIGITS + 1] = {0};
    const uint8_t *nal_unit = head + PICTURE_HEADER;
    if (!is_picture(type, head, length) || length < PICTURE_HEADER + STAMP_SIZE ||
        memcmp(nal_unit, STAMP_START, STAMP_PREFIX) ||
        memcmp(nal_unit + STAMP_PREFIX, STAMP_NAME, STAMP_NAME_SIZE))
        return -1;
    memcpy(digits, nal_unit + STAMP_PREFIX + STAMP_NAME_SIZE, STAMP_DIGITS);
    return (int64_t)strtoull(digits, NULL, 16);
}
