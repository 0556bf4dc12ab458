/* The client side of RTMP as far as a benchmark needs it: simple handshake, connect, createStream, play or publish.
   No sockets: received bytes go in, bytes to send gather in `out`. (Adobe's RTMP 1.0 specification.) */
#ifndef OXBOW_BENCH_RTMP_H
#define OXBOW_BENCH_RTMP_H

#include "common.h"
#include "frames.h"

enum rtmp_step { RTMP_HANDSHAKE, RTMP_CONNECTING, RTMP_CREATING, RTMP_STARTING, RTMP_STARTED, RTMP_REFUSED };
enum rtmp_intent { RTMP_PLAY, RTMP_PUBLISH };

enum { RTMP_CHUNK_STREAMS = 8, RTMP_MESSAGE_HEAD = 512, RTMP_DEFAULT_CHUNK = 128 };

struct rtmp_chunk_stream {
    unsigned id;
    uint8_t type;
    bool extended;
    uint32_t length, received;
    uint8_t head[RTMP_MESSAGE_HEAD];
};

struct rtmp {
    enum rtmp_step step;
    enum rtmp_intent intent;
    const char *app, *stream, *url;
    uint32_t chunk_size_in, chunk_size_out, chunk_size_wanted;
    struct bytes handshake;
    uint8_t header[18];
    size_t header_have;
    struct rtmp_chunk_stream *current; /* whose payload is under way; NULL between chunks */
    uint32_t chunk_left;
    struct rtmp_chunk_stream streams[RTMP_CHUNK_STREAMS];
    unsigned stream_count;
    struct bytes out;
};

/* `chunk_size` is what this side announces and sends with. */
void rtmp_start(struct rtmp *rtmp, enum rtmp_intent intent, const char *app, const char *stream, const char *url,
                uint32_t chunk_size);

/* Media messages are handed to `on_frame`; the rest is answered here. False when the peer breaks the protocol. */
bool rtmp_receive(struct rtmp *rtmp, const uint8_t *data, size_t size, frame_fn *on_frame, void *context);

struct part {
    const void *data;
    size_t size;
};

void rtmp_free(struct rtmp *rtmp);

/* Appends one message made of parts, cut into chunks. */
void rtmp_put_message(struct bytes *out, unsigned chunk_stream, uint8_t type, uint32_t timestamp_ms, uint32_t stream_id,
                      const struct part *parts, size_t part_count, uint32_t chunk_size);

#endif
