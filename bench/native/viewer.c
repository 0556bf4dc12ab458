/* Many viewers of one stream in one process.
 *
 * Each viewer really reads until its first picture has arrived whole. From then on its bytes are thrown away inside
 * the kernel (recv with MSG_TRUNC), in sweeps over all viewers, so that watching costs the machine little and the
 * server is not charged for waking its clients. With --stamps everything is read, and the delay of each stamped
 * picture is taken.
 *
 * Speaks JSON lines: {"event": "joined"} once every viewer has a picture or has failed; then, for a line on standard
 * input, mark (starts a measuring window), report (numbers since the mark) or stop. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"
#include "frames.h"
#include "rtmp.h"

enum protocol { HTTP_FLV, WEBSOCKET_FLV, RTMP };
enum state { WAITING, CONNECTING, JOINING, WATCHING, FAILED, DROPPED };
enum { HTTP_HEAD_LIMIT = 4096, READ_SIZE = 256 * 1024, DISCARD_SIZE = 64 * 1024 * 1024 };

/* What a viewer needs until its first picture; given back afterwards. */
struct joining {
    struct bytes head; /* HTTP request to send, then response head */
    bool head_done;
    size_t frame_left, frame_header_have; /* WebSocket frame under way */
    uint8_t frame_header[10];
    struct flv_scan flv;
    struct rtmp rtmp;
};

struct viewer {
    int fd;
    enum state state;
    int64_t requested_us;
    uint64_t bytes, bytes_at_mark;
    struct joining *joining;
};

static struct {
    enum protocol protocol;
    const char *host, *app, *stream;
    unsigned port, viewers, sweep_ms;
    double over_s;
    bool stamps;
} options = {.host = "127.0.0.1", .app = "live", .stream = "bench", .viewers = 1, .sweep_ms = 50};

static struct viewer *viewers;
static struct samples first_picture_ms, delay_ms;
static unsigned begun, watching, failed, dropped;
static uint64_t bytes_of_all;
static int poller;
static char url[512], request[1024];
static int64_t marked_us;

static void leave(struct viewer *viewer, enum state state)
{
    if (viewer->state == WATCHING) {
        watching--;
        dropped++;
    } else
        failed++;
    close(viewer->fd);
    viewer->state = state;
}

static void give_back_joining(struct viewer *viewer)
{
    rtmp_free(&viewer->joining->rtmp);
    bytes_free(&viewer->joining->head);
    free(viewer->joining);
    viewer->joining = NULL;
}

static void on_frame(void *context, uint8_t type, const uint8_t *head, size_t length)
{
    struct viewer *viewer = context;
    int64_t stamp = read_stamp(type, head, length);
    if (options.stamps && viewer->state == WATCHING && stamp >= 0)
        samples_add(&delay_ms, (double)(now_us() - stamp) / 1000);
    if (viewer->state == JOINING && is_key_picture(type, head, length)) {
        samples_add(&first_picture_ms, (double)(now_us() - viewer->requested_us) / 1000);
        viewer->state = WATCHING;
        watching++;
    }
}

/* Unwraps WebSocket frames (RFC 6455, 5.2; a server's frames are not masked). */
static void receive_websocket(struct viewer *viewer, const uint8_t *data, size_t size)
{
    struct joining *joining = viewer->joining;
    while (size) {
        if (!joining->frame_left) {
            joining->frame_header[joining->frame_header_have++] = *data++;
            size--;
            uint8_t length = joining->frame_header[1] & 0x7f;
            size_t wanted = length == 127 ? 10 : length == 126 ? 4 : 2;
            if (joining->frame_header_have < 2 || joining->frame_header_have < wanted)
                continue;
            joining->frame_left = length;
            if (length == 126)
                joining->frame_left = (size_t)joining->frame_header[2] << 8 | joining->frame_header[3];
            if (length == 127)
                joining->frame_left = get_be32(joining->frame_header + 6);
            joining->frame_header_have = 0;
            continue;
        }
        size_t step = size < joining->frame_left ? size : joining->frame_left;
        flv_scan(&joining->flv, data, step, on_frame, viewer);
        joining->frame_left -= step;
        data += step;
        size -= step;
    }
}

/* Takes the response's head off the input; false for anything but a stream. */
static bool receive_http(struct viewer *viewer, const uint8_t *data, size_t size)
{
    struct joining *joining = viewer->joining;
    if (!joining->head_done) {
        size_t before = bytes_held(&joining->head);
        bytes_put(&joining->head, data, size);
        uint8_t *start = joining->head.data + joining->head.start;
        uint8_t *end = memmem(start, bytes_held(&joining->head), "\r\n\r\n", 4);
        if (!end)
            return bytes_held(&joining->head) < HTTP_HEAD_LIMIT;
        size_t head_size = (size_t)(end + 4 - start);
        if (memcmp(start + 8, options.protocol == HTTP_FLV ? " 200 " : " 101 ", 5) ||
            memmem(start, head_size, "chunked", 7))
            return false;
        joining->head_done = true;
        data += head_size - before;
        size -= head_size - before;
    }
    if (options.protocol == WEBSOCKET_FLV)
        receive_websocket(viewer, data, size);
    else
        flv_scan(&joining->flv, data, size, on_frame, viewer);
    return true;
}

static bool receive_rtmp(struct viewer *viewer, const uint8_t *data, size_t size)
{
    struct rtmp *rtmp = &viewer->joining->rtmp;
    return rtmp_receive(rtmp, data, size, on_frame, viewer) && rtmp->step != RTMP_REFUSED &&
           bytes_send(&rtmp->out, viewer->fd);
}

static void count(struct viewer *viewer, ssize_t got)
{
    viewer->bytes += (uint64_t)got;
    bytes_of_all += (uint64_t)got;
}

static void read_and_parse(struct viewer *viewer)
{
    static uint8_t buffer[READ_SIZE];
    ssize_t got = recv(viewer->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        leave(viewer, viewer->state == WATCHING ? DROPPED : FAILED);
        return;
    }
    count(viewer, got);
    bool fine = options.protocol == RTMP ? receive_rtmp(viewer, buffer, (size_t)got)
                                         : receive_http(viewer, buffer, (size_t)got);
    if (!fine)
        leave(viewer, FAILED);
    else if (viewer->state == WATCHING && !options.stamps) {
        epoll_ctl(poller, EPOLL_CTL_DEL, viewer->fd, NULL);
        give_back_joining(viewer);
    }
}

static void discard(struct viewer *viewer)
{
    ssize_t got = recv(viewer->fd, NULL, DISCARD_SIZE, MSG_DONTWAIT | MSG_TRUNC);
    if (got > 0)
        count(viewer, got);
    else if (got == 0 || errno != EAGAIN)
        leave(viewer, DROPPED);
}

static void sweep(void)
{
    for (unsigned i = 0; i < begun; i++)
        if (viewers[i].state == WATCHING && !options.stamps)
            discard(&viewers[i]);
}

static void begin(struct viewer *viewer, const struct sockaddr_in *address)
{
    struct epoll_event interest = {.events = EPOLLOUT, .data.ptr = viewer};
    viewer->requested_us = now_us();
    viewer->fd = connect_to(address);
    begun++;
    if (viewer->fd < 0) {
        viewer->state = FAILED;
        failed++;
        return;
    }
    viewer->state = CONNECTING;
    viewer->joining = calloc(1, sizeof *viewer->joining);
    epoll_ctl(poller, EPOLL_CTL_ADD, viewer->fd, &interest);
}

static void connected(struct viewer *viewer)
{
    struct joining *joining = viewer->joining;
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = viewer};
    struct bytes *out = options.protocol == RTMP ? &joining->rtmp.out : &joining->head;
    if (options.protocol == RTMP)
        rtmp_start(&joining->rtmp, RTMP_PLAY, options.app, options.stream, url, RTMP_DEFAULT_CHUNK);
    else
        bytes_put(&joining->head, request, strlen(request));
    viewer->state = JOINING;
    if (!bytes_send(out, viewer->fd) || bytes_held(out))
        leave(viewer, FAILED);
    else
        epoll_ctl(poller, EPOLL_CTL_MOD, viewer->fd, &interest);
}

static void on_ready(struct viewer *viewer)
{
    if (viewer->state == CONNECTING)
        connected(viewer);
    else
        read_and_parse(viewer);
}

static void mark(void)
{
    sweep();
    for (unsigned i = 0; i < options.viewers; i++)
        viewers[i].bytes_at_mark = viewers[i].bytes;
    delay_ms.count = 0;
    marked_us = now_us();
    printf("{\"event\": \"mark\", \"at_us\": %lld}\n", (long long)marked_us);
}

static void report(void)
{
    struct samples each = {0};
    uint64_t bytes = 0;
    sweep();
    for (unsigned i = 0; i < options.viewers; i++) {
        uint64_t got = viewers[i].bytes - viewers[i].bytes_at_mark;
        bytes += got;
        if (viewers[i].state == WATCHING)
            samples_add(&each, (double)got);
    }
    printf("{\"event\": \"report\", \"seconds\": %.6f, \"watching\": %u, \"failed\": %u, \"drops\": %u, \"bytes\": %llu, ",
           (double)(now_us() - marked_us) / 1e6, watching, failed, dropped, (unsigned long long)bytes);
    printf("\"bytes_per_viewer\": ");
    samples_print(&each);
    printf(", \"first_picture_ms\": ");
    samples_print(&first_picture_ms);
    printf(", \"delay_ms\": ");
    samples_print(&delay_ms);
    printf("}\n");
    free(each.values);
}

static void run(const struct sockaddr_in *address)
{
    int64_t started = now_us(), next_sweep = started;
    bool joined = false;
    for (;;) {
        struct epoll_event events[256];
        while (begun < options.viewers &&
               now_us() >= started + (int64_t)(options.over_s * 1e6 * begun / options.viewers))
            begin(&viewers[begun], address);
        int64_t next_begin = started + (int64_t)(options.over_s * 1e6 * begun / options.viewers);
        int64_t next = begun < options.viewers && next_begin < next_sweep ? next_begin : next_sweep;
        int64_t wait_ms = (next - now_us() + 999) / 1000;
        int ready = epoll_wait(poller, events, 256, wait_ms > 0 ? (int)wait_ms : 0);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                on_ready(events[i].data.ptr);
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
        if (now_us() >= next_sweep) {
            sweep();
            next_sweep = now_us() + options.sweep_ms * 1000;
        }
        if (!joined && begun == options.viewers && watching + dropped + failed == options.viewers) {
            joined = true;
            printf("{\"event\": \"joined\", \"seconds\": %.6f}\n", (double)(now_us() - started) / 1e6);
        }
    }
}

static void parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"protocol", required_argument, NULL, 'p'}, {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'P'},     {"app", required_argument, NULL, 'a'},
        {"stream", required_argument, NULL, 's'},   {"viewers", required_argument, NULL, 'n'},
        {"over", required_argument, NULL, 'o'},     {"sweep-ms", required_argument, NULL, 'w'},
        {"stamps", no_argument, NULL, 'S'},         {0}};
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (name) {
        case 'p':
            options.protocol = !strcmp(optarg, "rtmp") ? RTMP : !strcmp(optarg, "ws-flv") ? WEBSOCKET_FLV : HTTP_FLV;
            break;
        case 'h': options.host = optarg; break;
        case 'P': options.port = (unsigned)atoi(optarg); break;
        case 'a': options.app = optarg; break;
        case 's': options.stream = optarg; break;
        case 'n': options.viewers = (unsigned)atoi(optarg); break;
        case 'o': options.over_s = atof(optarg); break;
        case 'w': options.sweep_ms = (unsigned)atoi(optarg); break;
        case 'S': options.stamps = true; break;
        default: die("viewer: see bench/programs.py for how it is called");
        }
}

static void prepare_request(void)
{
    snprintf(url, sizeof url, "rtmp://%s:%u/%s", options.host, options.port, options.app);
    snprintf(request, sizeof request, "GET /%s/%s.flv HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: oxbow-bench\r\n%s\r\n",
             options.app, options.stream, options.host, options.port,
             options.protocol == WEBSOCKET_FLV ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                               : "");
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    settle_in(options.viewers);
    setvbuf(stdout, NULL, _IOLBF, 0);
    prepare_request();
    viewers = calloc(options.viewers, sizeof *viewers);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &commands);
    struct sockaddr_in address = loopback(options.host, options.port);
    run(&address);
    return 0;
}
