/* Finding frames in what a server sends: FLV tags, and the little H.264 knowledge the measures need. */
#ifndef OXBOW_BENCH_FRAMES_H
#define OXBOW_BENCH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAG_AUDIO = 8, TAG_VIDEO = 9, TAG_SCRIPT = 18 };
enum { FLV_FILE_HEADER = 13, FLV_TAG_HEADER = 11, FLV_TAG_TRAILER = 4 };

/* As many bytes of a frame as the measures look at: its codec header and the stamp behind it. */
enum { FRAME_HEAD = 64 };

/* Called once a frame has arrived whole; `head` holds its first `length` bytes. */
typedef void frame_fn(void *context, uint8_t type, const uint8_t *head, size_t length);

struct flv_scan {
    enum { IN_FILE_HEADER, IN_TAG_HEADER, IN_FRAME_HEAD, IN_FRAME_REST } state;
    uint8_t held[FLV_TAG_HEADER + FRAME_HEAD];
    size_t have, skip;
};

void flv_scan(struct flv_scan *scan, const uint8_t *data, size_t size, frame_fn *on_frame, void *context);

/* A coded H.264 picture (not a sequence header), respectively one that starts a group of pictures. */
bool is_picture(uint8_t type, const uint8_t *head, size_t length);
bool is_key_picture(uint8_t type, const uint8_t *head, size_t length);

/* A stamp is a user-data SEI NAL unit (H.264, D.1.7) put before a picture: 16 bytes of name, then the sender's
   CLOCK_MONOTONIC in microseconds as 16 hexadecimal digits, so that no byte needs emulation prevention. */
enum { STAMP_SIZE = 40, PICTURE_HEADER = 5 };

void write_stamp(uint8_t nal_unit[STAMP_SIZE], int64_t at_us);
/* The stamp of a picture in microseconds, or -1. */
int64_t read_stamp(uint8_t type, const uint8_t *head, size_t length);

#endif
