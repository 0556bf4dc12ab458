/* The floor: what it costs the kernel to hand one stream to many sockets, and nothing else.
 *
 * Plays an FLV file from a memfd in a loop. Once per tick, aligned to the monotonic clock, it takes new connections,
 * answers any request with a fixed HTTP head, and calls sendfile for each viewer up to the position that the file's rate has
 * reached. A new viewer begins at the last key picture, as a live server would do it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "source.h"

static const char RESPONSE[] = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n";

struct viewer {
    int fd;
    bool answered;
    uint64_t position; /* bytes of frames since the server began; the file's frames repeat */
};

static struct source source;
static size_t frames_start, frames_size;
static struct viewer *viewers;
static size_t viewer_count, viewer_limit = 16384;

static void listen_on(const char *host, unsigned port, int *listener)
{
    struct sockaddr_in address = loopback(host, port);
    int on = 1;
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(*listener, (struct sockaddr *)&address, sizeof address) || listen(*listener, 4096))
        die("cannot listen on %s:%u: %s", host, port, strerror(errno));
}

static void accept_all(int listener)
{
    int on = 1;
    while (viewer_count < viewer_limit) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        viewers[viewer_count++] = (struct viewer){.fd = fd};
    }
}

static uint64_t last_key_picture(uint64_t position)
{
    uint64_t within = position % frames_size, round = position - within, best = 0;
    for (size_t i = source.first_frame; i < source.tag_count; i++) {
        const struct tag *tag = &source.tags[i];
        size_t start = source_tag_start(tag) - frames_start;
        if (start > within)
            break;
        if (is_key_picture(tag->type, source.data + tag->offset, tag->size))
            best = start;
    }
    return round + best;
}

/* The whole head fits into a fresh socket, so one send each is enough. False when the viewer is gone. */
static bool answer(struct viewer *viewer, uint64_t position)
{
    char request[4096];
    ssize_t got = recv(viewer->fd, request, sizeof request, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    viewer->answered = true;
    viewer->position = last_key_picture(position);
    return send(viewer->fd, RESPONSE, sizeof RESPONSE - 1, MSG_NOSIGNAL | MSG_MORE) > 0 &&
           send(viewer->fd, source.data, frames_start, MSG_NOSIGNAL | MSG_MORE) > 0;
}

static bool serve(struct viewer *viewer, uint64_t position)
{
    while (viewer->position < position) {
        uint64_t within = viewer->position % frames_size, left = position - viewer->position;
        uint64_t wanted = left < frames_size - within ? left : frames_size - within;
        off_t offset = (off_t)(frames_start + within);
        ssize_t sent = sendfile(viewer->fd, source.fd, &offset, wanted);
        if (sent <= 0)
            return sent < 0 && errno == EAGAIN;
        viewer->position += (uint64_t)sent;
        if ((uint64_t)sent < wanted)
            return true;
    }
    return true;
}

static void tick(int listener, uint64_t position)
{
    accept_all(listener);
    for (size_t i = 0; i < viewer_count;) {
        struct viewer *viewer = &viewers[i];
        bool there = (viewer->answered || answer(viewer, position)) && (!viewer->answered || serve(viewer, position));
        if (there) {
            i++;
            continue;
        }
        close(viewer->fd);
        *viewer = viewers[--viewer_count];
    }
}

static void sleep_until(int64_t at_us)
{
    struct timespec at = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        continue;
}

int main(int argc, char **argv)
{
    static const struct option names[] = {{"host", required_argument, NULL, 'h'},
                                          {"port", required_argument, NULL, 'P'},
                                          {"file", required_argument, NULL, 'f'},
                                          {"tick-ms", required_argument, NULL, 't'},
                                          {0}};
    const char *host = "127.0.0.1", *file = NULL;
    unsigned port = 0, tick_ms = 100;
    int listener;
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (name) {
        case 'h': host = optarg; break;
        case 'P': port = (unsigned)atoi(optarg); break;
        case 'f': file = optarg; break;
        case 't': tick_ms = (unsigned)atoi(optarg); break;
        default: die("floor: see bench/programs.py for how it is called");
        }
    if (!file || !tick_ms)
        die("floor: --file and a --tick-ms above 0 are needed");
    settle_in(1024);
    source = source_load(file);
    frames_start = source_tag_start(&source.tags[source.first_frame]);
    frames_size = source.size - frames_start;
    viewers = calloc(viewer_limit, sizeof *viewers);
    listen_on(host, port, &listener);
    int64_t started = now_us(), tick_us = (int64_t)tick_ms * 1000;
    for (int64_t next = (started / tick_us + 1) * tick_us;; next += tick_us) {
        sleep_until(next);
        uint64_t elapsed_ms = (uint64_t)(now_us() - started) / 1000;
        tick(listener, elapsed_ms * frames_size / source.duration_ms);
    }
}
