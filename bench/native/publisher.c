/* Many publishers of one FLV file over RTMP in one process, each at the file's own pace.
 *
 * The streams are named <stream>0, <stream>1 ... (plain <stream> if there is one) and begin spread over --over seconds,
 * so that their frames do not fall on the same instants. The file is looped with timestamps that go on. Every
 * picture carries a stamp of when it was sent (frames.h).
 *
 * Speaks the same JSON lines as the viewer: joined, and answers to mark, report, stop. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "rtmp.h"
#include "source.h"

enum { CHUNK_STREAM_AUDIO = 4, CHUNK_STREAM_DATA = 5, CHUNK_STREAM_VIDEO = 6, BACKLOG_LIMIT = 16 * 1024 * 1024 };
enum state { WAITING, CONNECTING, NEGOTIATING, PUBLISHING, ENDED };

struct publisher {
    int fd;
    enum state state;
    char stream[128];
    struct rtmp rtmp;
    int64_t started_us; /* when the frame with time 0 is due */
    size_t next_tag;
    uint64_t rounds;
    uint64_t bytes, bytes_at_mark;
};

static struct {
    const char *host, *app, *stream, *file;
    unsigned port, streams, chunk_size;
    double over_s;
} options = {.host = "127.0.0.1", .app = "live", .stream = "bench", .streams = 1, .chunk_size = 4096};

static struct publisher *publishers;
static struct source source;
static unsigned begun, publishing, failed, dropped;
static int poller;
static char url[512];
static int64_t marked_us;

static void end(struct publisher *publisher)
{
    if (publisher->state == PUBLISHING) {
        publishing--;
        dropped++;
    } else
        failed++;
    close(publisher->fd);
    rtmp_free(&publisher->rtmp);
    publisher->state = ENDED;
}

static void no_frames_expected(void *context, uint8_t type, const uint8_t *head, size_t length)
{
    (void)context, (void)type, (void)head, (void)length;
}

/* Sends what waits; asks to be told when there is room again only while the socket is full. */
static void flush(struct publisher *publisher)
{
    size_t before = bytes_held(&publisher->rtmp.out);
    bool fine = bytes_send(&publisher->rtmp.out, publisher->fd);
    size_t left = bytes_held(&publisher->rtmp.out);
    publisher->bytes += before - left;
    if (!fine || left > BACKLOG_LIMIT) {
        end(publisher);
        return;
    }
    struct epoll_event interest = {.events = EPOLLIN | (left ? EPOLLOUT : 0), .data.ptr = publisher};
    epoll_ctl(poller, EPOLL_CTL_MOD, publisher->fd, &interest);
}

static void put_media(struct publisher *publisher, const struct tag *tag, uint32_t timestamp_ms)
{
    const uint8_t *payload = source.data + tag->offset;
    unsigned chunk_stream = tag->type == TAG_VIDEO ? CHUNK_STREAM_VIDEO : CHUNK_STREAM_AUDIO;
    struct part parts[3] = {{payload, tag->size}};
    size_t count = 1;
    uint8_t stamp[STAMP_SIZE];
    if (is_picture(tag->type, payload, tag->size)) {
        write_stamp(stamp, now_us());
        parts[0].size = PICTURE_HEADER;
        parts[1] = (struct part){stamp, STAMP_SIZE};
        parts[2] = (struct part){payload + PICTURE_HEADER, tag->size - PICTURE_HEADER};
        count = 3;
    }
    rtmp_put_message(&publisher->rtmp.out, chunk_stream, tag->type, timestamp_ms, 1, parts, count,
                     publisher->rtmp.chunk_size_out);
}

static void put_headers(struct publisher *publisher)
{
    static const char set_data_frame[] = "\x02\x00\x0d@setDataFrame";
    for (size_t i = 0; i < source.first_frame; i++) {
        const struct tag *tag = &source.tags[i];
        struct part parts[2] = {{set_data_frame, sizeof set_data_frame - 1}, {source.data + tag->offset, tag->size}};
        if (tag->type == TAG_SCRIPT)
            rtmp_put_message(&publisher->rtmp.out, CHUNK_STREAM_DATA, TAG_SCRIPT, 0, 1, parts, 2,
                             publisher->rtmp.chunk_size_out);
        else
            put_media(publisher, tag, 0);
    }
}

static void start_media(struct publisher *publisher)
{
    publisher->state = PUBLISHING;
    publisher->started_us = now_us();
    publisher->next_tag = source.first_frame;
    publishing++;
    put_headers(publisher);
}

static uint64_t media_time_ms(const struct publisher *publisher)
{
    return publisher->rounds * source.duration_ms + source.tags[publisher->next_tag].timestamp_ms;
}

static int64_t due_us(const struct publisher *publisher)
{
    return publisher->started_us + (int64_t)media_time_ms(publisher) * 1000;
}

static void send_due(struct publisher *publisher)
{
    int64_t now = now_us();
    if (due_us(publisher) > now)
        return;
    while (due_us(publisher) <= now) {
        put_media(publisher, &source.tags[publisher->next_tag], (uint32_t)media_time_ms(publisher));
        if (++publisher->next_tag == source.tag_count) {
            publisher->next_tag = source.first_frame;
            publisher->rounds++;
        }
    }
    flush(publisher);
}

static void receive(struct publisher *publisher)
{
    uint8_t buffer[16384];
    ssize_t got = recv(publisher->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || !rtmp_receive(&publisher->rtmp, buffer, (size_t)got, no_frames_expected, NULL) ||
        publisher->rtmp.step == RTMP_REFUSED) {
        end(publisher);
        return;
    }
    if (publisher->rtmp.step == RTMP_STARTED && publisher->state == NEGOTIATING)
        start_media(publisher);
    flush(publisher);
}

static void begin(unsigned index, const struct sockaddr_in *address)
{
    struct publisher *publisher = &publishers[index];
    struct epoll_event interest = {.events = EPOLLOUT, .data.ptr = publisher};
    begun++;
    if (options.streams == 1)
        snprintf(publisher->stream, sizeof publisher->stream, "%s", options.stream);
    else
        snprintf(publisher->stream, sizeof publisher->stream, "%s%u", options.stream, index);
    publisher->fd = connect_to(address);
    if (publisher->fd < 0)
        die("cannot open a socket");
    publisher->state = CONNECTING;
    rtmp_start(&publisher->rtmp, RTMP_PUBLISH, options.app, publisher->stream, url, options.chunk_size);
    epoll_ctl(poller, EPOLL_CTL_ADD, publisher->fd, &interest);
}

static void on_ready(struct publisher *publisher, uint32_t events)
{
    if (publisher->state == CONNECTING) {
        publisher->state = NEGOTIATING;
        flush(publisher);
    } else if (events & EPOLLOUT)
        flush(publisher);
    if (publisher->state != ENDED && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(publisher);
}

static void mark(void)
{
    for (unsigned i = 0; i < options.streams; i++)
        publishers[i].bytes_at_mark = publishers[i].bytes;
    marked_us = now_us();
    printf("{\"event\": \"mark\", \"at_us\": %lld}\n", (long long)marked_us);
}

static void report(void)
{
    struct samples each = {0};
    uint64_t bytes = 0, backlog = 0;
    for (unsigned i = 0; i < options.streams; i++) {
        uint64_t sent = publishers[i].bytes - publishers[i].bytes_at_mark;
        bytes += sent;
        backlog += bytes_held(&publishers[i].rtmp.out);
        samples_add(&each, (double)sent);
    }
    printf("{\"event\": \"report\", \"seconds\": %.6f, \"publishing\": %u, \"failed\": %u, \"drops\": %u, "
           "\"bytes\": %llu, \"backlog\": %llu, \"bytes_per_publisher\": ",
           (double)(now_us() - marked_us) / 1e6, publishing, failed, dropped,
           (unsigned long long)bytes, (unsigned long long)backlog);
    samples_print(&each);
    printf("}\n");
    free(each.values);
}

static int64_t begin_us(int64_t started, unsigned index)
{
    return started + (int64_t)(options.over_s * 1e6 * index / options.streams);
}

static int milliseconds_to_next_due(int64_t started)
{
    int64_t next = begun < options.streams ? begin_us(started, begun) : now_us() + 100000;
    for (unsigned i = 0; i < begun; i++)
        if (publishers[i].state == PUBLISHING && due_us(&publishers[i]) < next)
            next = due_us(&publishers[i]);
    int64_t wait_us = next - now_us();
    return wait_us > 0 ? (int)(wait_us + 999) / 1000 : 0;
}

static void run(const struct sockaddr_in *address)
{
    int64_t started = now_us();
    bool joined = false;
    for (;;) {
        struct epoll_event events[256];
        while (begun < options.streams && now_us() >= begin_us(started, begun))
            begin(begun, address);
        int ready = epoll_wait(poller, events, 256, milliseconds_to_next_due(started));
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                on_ready(events[i].data.ptr, events[i].events);
                continue;
            }
            enum command command = read_command();
            if (command == COMMAND_MARK)
                mark();
            if (command == COMMAND_REPORT)
                report();
            if (command == COMMAND_STOP)
                return;
        }
        for (unsigned i = 0; i < begun; i++)
            if (publishers[i].state == PUBLISHING)
                send_due(&publishers[i]);
        if (!joined && publishing + failed + dropped == options.streams) {
            joined = true;
            printf("{\"event\": \"joined\", \"seconds\": %.6f}\n", (double)(now_us() - started) / 1e6);
        }
    }
}

static void parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"host", required_argument, NULL, 'h'},    {"port", required_argument, NULL, 'P'},
        {"app", required_argument, NULL, 'a'},     {"stream", required_argument, NULL, 's'},
        {"streams", required_argument, NULL, 'n'}, {"over", required_argument, NULL, 'o'},
        {"file", required_argument, NULL, 'f'},    {"chunk-size", required_argument, NULL, 'c'},
        {0}};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (name) {
        case 'h': options.host = optarg; break;
        case 'P': options.port = (unsigned)atoi(optarg); break;
        case 'a': options.app = optarg; break;
        case 's': options.stream = optarg; break;
        case 'n': options.streams = (unsigned)atoi(optarg); break;
        case 'o': options.over_s = atof(optarg); break;
        case 'f': options.file = optarg; break;
        case 'c': options.chunk_size = (unsigned)atoi(optarg); break;
        default: die("publisher: see bench/programs.py for how it is called");
        }
    if (!options.file || !options.chunk_size)
        die("publisher: --file and a --chunk-size above 0 are needed");
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    settle_in(options.streams);
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(url, sizeof url, "rtmp://%s:%u/%s", options.host, options.port, options.app);
    source = source_load(options.file);
    publishers = calloc(options.streams, sizeof *publishers);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &commands);
    struct sockaddr_in address = loopback(options.host, options.port);
    run(&address);
    return 0;
}
