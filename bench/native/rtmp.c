#define _GNU_SOURCE
#include "rtmp.h"

#include <stdlib.h>
#include <string.h>

enum { HANDSHAKE_SIZE = 1536, EXTENDED = 0xffffff };
enum { MESSAGE_SET_CHUNK_SIZE = 1, MESSAGE_USER_CONTROL = 4, MESSAGE_COMMAND = 20 };
enum { USER_CONTROL_PING = 6, USER_CONTROL_PONG = 7 };

static void amf_string(struct bytes *out, const char *text)
{
    size_t size = strlen(text);
    uint8_t head[3] = {2, (uint8_t)(size >> 8), (uint8_t)size};
    bytes_put(out, head, 3);
    bytes_put(out, text, size);
}

static void amf_small_number(struct bytes *out, unsigned value)
{
    double number = value;
    uint64_t bits;
    uint8_t head[9] = {0};
    memcpy(&bits, &number, 8);
    put_be32(head + 1, (uint32_t)(bits >> 32));
    put_be32(head + 5, (uint32_t)bits);
    bytes_put(out, head, 9);
}

static void amf_null(struct bytes *out)
{
    bytes_put(out, "\x05", 1);
}

/* A property's name has no type marker; its value is a string here. */
static void amf_property(struct bytes *out, const char *name, const char *value)
{
    uint8_t size[2] = {0, (uint8_t)strlen(name)};
    bytes_put(out, size, 2);
    bytes_put(out, name, strlen(name));
    amf_string(out, value);
}

void rtmp_put_message(struct bytes *out, unsigned chunk_stream, uint8_t type, uint32_t timestamp_ms, uint32_t stream_id,
                      const struct part *parts, size_t part_count, uint32_t chunk_size)
{
    uint8_t head[16] = {(uint8_t)chunk_stream};
    uint8_t next[5] = {(uint8_t)(0xc0 | chunk_stream)};
    bool extended = timestamp_ms >= EXTENDED;
    size_t total = 0, room = chunk_size;
    for (size_t i = 0; i < part_count; i++)
        total += parts[i].size;
    put_be24(head + 1, extended ? EXTENDED : timestamp_ms);
    put_be24(head + 4, (uint32_t)total);
    head[7] = type;
    for (int i = 0; i < 4; i++)
        head[8 + i] = (uint8_t)(stream_id >> 8 * i);
    put_be32(head + 12, timestamp_ms);
    put_be32(next + 1, timestamp_ms);
    bytes_put(out, head, extended ? 16 : 12);
    for (size_t i = 0; i < part_count; i++) {
        const uint8_t *data = parts[i].data;
        size_t left = parts[i].size;
        while (left) {
            if (!room) {
                bytes_put(out, next, extended ? 5 : 1);
                room = chunk_size;
            }
            size_t step = left < room ? left : room;
            bytes_put(out, data, step);
            data += step;
            left -= step;
            room -= step;
        }
    }
}

static void put_control(struct rtmp *rtmp, uint8_t type, const void *payload, size_t size)
{
    rtmp_put_message(&rtmp->out, 2, type, 0, 0, &(struct part){payload, size}, 1, rtmp->chunk_size_out);
}

static void put_command(struct rtmp *rtmp, uint32_t stream_id, struct bytes *command)
{
    struct part payload = {command->data + command->start, bytes_held(command)};
    rtmp_put_message(&rtmp->out, 3, MESSAGE_COMMAND, 0, stream_id, &payload, 1, rtmp->chunk_size_out);
    bytes_free(command);
}

static void put_connect(struct rtmp *rtmp)
{
    struct bytes command = {0};
    amf_string(&command, "connect");
    amf_small_number(&command, 1);
    bytes_put(&command, "\x03", 1);
    amf_property(&command, "app", rtmp->app);
    amf_property(&command, "type", "nonprivate");
    amf_property(&command, "flashVer", "FMLE/3.0 (compatible; bench)");
    amf_property(&command, "tcUrl", rtmp->url);
    bytes_put(&command, "\0\0\x09", 3);
    put_command(rtmp, 0, &command);
}

static void put_create_stream(struct rtmp *rtmp)
{
    struct bytes command = {0};
    amf_string(&command, "createStream");
    amf_small_number(&command, 2);
    amf_null(&command);
    put_command(rtmp, 0, &command);
}

static void put_play_or_publish(struct rtmp *rtmp)
{
    struct bytes command = {0};
    amf_string(&command, rtmp->intent == RTMP_PLAY ? "play" : "publish");
    amf_small_number(&command, 3);
    amf_null(&command);
    amf_string(&command, rtmp->stream);
    if (rtmp->intent == RTMP_PUBLISH)
        amf_string(&command, "live");
    put_command(rtmp, 1, &command);
}

void rtmp_start(struct rtmp *rtmp, enum rtmp_intent intent, const char *app, const char *stream, const char *url,
                uint32_t chunk_size)
{
    uint8_t hello[1 + HANDSHAKE_SIZE] = {3};
    *rtmp = (struct rtmp){.intent = intent, .app = app, .stream = stream, .url = url};
    rtmp->chunk_size_in = RTMP_DEFAULT_CHUNK;
    rtmp->chunk_size_out = RTMP_DEFAULT_CHUNK;
    rtmp->chunk_size_wanted = chunk_size;
    for (size_t i = 9; i < sizeof hello; i++)
        hello[i] = (uint8_t)(i * 31);
    bytes_put(&rtmp->out, hello, sizeof hello);
}

void rtmp_free(struct rtmp *rtmp)
{
    bytes_free(&rtmp->handshake);
    bytes_free(&rtmp->out);
}

/* Waits for S0, S1 and S2, repeats S1 as C2 and goes on with connect. Returns what it took of the input. */
static size_t shake_hands(struct rtmp *rtmp, const uint8_t *data, size_t size)
{
    size_t missing = 1 + 2 * HANDSHAKE_SIZE - bytes_held(&rtmp->handshake);
    size_t step = size < missing ? size : missing;
    bytes_put(&rtmp->handshake, data, step);
    if (step < missing)
        return step;
    bytes_put(&rtmp->out, rtmp->handshake.data + rtmp->handshake.start + 1, HANDSHAKE_SIZE);
    bytes_free(&rtmp->handshake);
    if (rtmp->chunk_size_wanted != RTMP_DEFAULT_CHUNK) {
        uint8_t payload[4];
        put_be32(payload, rtmp->chunk_size_wanted);
        put_control(rtmp, MESSAGE_SET_CHUNK_SIZE, payload, 4);
        rtmp->chunk_size_out = rtmp->chunk_size_wanted;
    }
    put_connect(rtmp);
    rtmp->step = RTMP_CONNECTING;
    return step;
}

static bool contains(const struct rtmp_chunk_stream *message, size_t size, const char *text)
{
    return memmem(message->head, size, text, strlen(text)) != NULL;
}

/* One command is awaited at a time, so its answer needs no matching by transaction. A status whose level is the
   string "error" (written with its length before it) is a refusal. */
static void on_command(struct rtmp *rtmp, const struct rtmp_chunk_stream *message, size_t size)
{
    if (contains(message, size, "_error") || contains(message, size, "\x05" "error"))
        rtmp->step = RTMP_REFUSED;
    else if (contains(message, size, "_result") && rtmp->step == RTMP_CONNECTING) {
        put_create_stream(rtmp);
        rtmp->step = RTMP_CREATING;
    } else if (contains(message, size, "_result") && rtmp->step == RTMP_CREATING) {
        put_play_or_publish(rtmp);
        rtmp->step = RTMP_STARTING;
    } else if (contains(message, size, rtmp->intent == RTMP_PLAY ? "NetStream.Play.Start" : "NetStream.Publish.Start"))
        rtmp->step = RTMP_STARTED;
}

static void on_message(struct rtmp *rtmp, struct rtmp_chunk_stream *message, frame_fn *on_frame, void *context)
{
    size_t size = message->length < RTMP_MESSAGE_HEAD ? message->length : RTMP_MESSAGE_HEAD;
    if (message->type == MESSAGE_SET_CHUNK_SIZE && size == 4)
        rtmp->chunk_size_in = get_be32(message->head);
    else if (message->type == MESSAGE_USER_CONTROL && size == 6 && message->head[1] == USER_CONTROL_PING) {
        message->head[1] = USER_CONTROL_PONG;
        put_control(rtmp, MESSAGE_USER_CONTROL, message->head, 6);
    } else if (message->type == MESSAGE_COMMAND)
        on_command(rtmp, message, size);
    else if (message->type == TAG_AUDIO || message->type == TAG_VIDEO)
        on_frame(context, message->type, message->head, size < FRAME_HEAD ? size : FRAME_HEAD);
}

static unsigned header_chunk_stream(const uint8_t *header)
{
    unsigned low = header[0] & 0x3f;
    return low == 0 ? header[1] + 64u : low == 1 ? header[1] + header[2] * 256u + 64u : low;
}

static struct rtmp_chunk_stream *chunk_stream(struct rtmp *rtmp, unsigned id)
{
    for (unsigned i = 0; i < rtmp->stream_count; i++)
        if (rtmp->streams[i].id == id)
            return &rtmp->streams[i];
    if (rtmp->stream_count == RTMP_CHUNK_STREAMS)
        return NULL;
    struct rtmp_chunk_stream *fresh = &rtmp->streams[rtmp->stream_count++];
    fresh->id = id;
    return fresh;
}

static size_t basic_header_size(const uint8_t *header)
{
    unsigned low = header[0] & 0x3f;
    return low == 0 ? 2 : low == 1 ? 3 : 1;
}

static const size_t MESSAGE_HEADER_SIZE[4] = {11, 7, 3, 0};

/* How long the chunk header is, as far as the bytes at hand tell; it is complete once that many are there. */
static size_t header_size(struct rtmp *rtmp)
{
    if (rtmp->header_have < 1)
        return 1;
    unsigned format = rtmp->header[0] >> 6;
    size_t basic = basic_header_size(rtmp->header), size = basic + MESSAGE_HEADER_SIZE[format];
    if (rtmp->header_have < size)
        return size;
    if (format < 3)
        return size + (get_be24(rtmp->header + basic) == EXTENDED ? 4 : 0);
    struct rtmp_chunk_stream *stream = chunk_stream(rtmp, header_chunk_stream(rtmp->header));
    return size + (stream && stream->extended ? 4 : 0);
}

static bool begin_chunk(struct rtmp *rtmp)
{
    unsigned format = rtmp->header[0] >> 6;
    const uint8_t *fields = rtmp->header + basic_header_size(rtmp->header);
    struct rtmp_chunk_stream *stream = chunk_stream(rtmp, header_chunk_stream(rtmp->header));
    if (!stream)
        return false;
    if (format < 3)
        stream->extended = get_be24(fields) == EXTENDED;
    if (format < 2) {
        stream->length = get_be24(fields + 3);
        stream->type = fields[6];
    }
    uint32_t left = stream->length - stream->received;
    rtmp->chunk_left = left < rtmp->chunk_size_in ? left : rtmp->chunk_size_in;
    rtmp->current = stream;
    rtmp->header_have = 0;
    return true;
}

static size_t take_payload(struct rtmp *rtmp, const uint8_t *data, size_t size)
{
    struct rtmp_chunk_stream *stream = rtmp->current;
    size_t step = size < rtmp->chunk_left ? size : rtmp->chunk_left;
    if (stream->received < RTMP_MESSAGE_HEAD) {
        size_t room = RTMP_MESSAGE_HEAD - stream->received;
        memcpy(stream->head + stream->received, data, step < room ? step : room);
    }
    stream->received += (uint32_t)step;
    rtmp->chunk_left -= (uint32_t)step;
    return step;
}

bool rtmp_receive(struct rtmp *rtmp, const uint8_t *data, size_t size, frame_fn *on_frame, void *context)
{
    while (size && rtmp->step != RTMP_REFUSED) {
        size_t step = 1;
        if (rtmp->step == RTMP_HANDSHAKE)
            step = shake_hands(rtmp, data, size);
        else if (rtmp->current)
            step = take_payload(rtmp, data, size);
        else
            rtmp->header[rtmp->header_have++] = *data;
        data += step;
        size -= step;
        if (rtmp->header_have && rtmp->header_have == header_size(rtmp) && !begin_chunk(rtmp))
            return false;
        if (rtmp->current && !rtmp->chunk_left) {
            struct rtmp_chunk_stream *stream = rtmp->current;
            rtmp->current = NULL;
            if (stream->received == stream->length) {
                stream->received = 0;
                on_message(rtmp, stream, on_frame, context);
            }
        }
    }
    return true;
}
