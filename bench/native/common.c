#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

void settle_in(unsigned descriptors_needed)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < descriptors_needed + 64)
        die("the limit of open files is %lu, %u connections need more: raise it with ulimit -Hn",
            (unsigned long)limit.rlim_cur, descriptors_needed);
}

void bytes_put(struct bytes *buffer, const void *data, size_t size)
{
    if (buffer->end + size > buffer->capacity) {
        size_t held = bytes_held(buffer);
        if (held)
            memmove(buffer->data, buffer->data + buffer->start, held);
        buffer->start = 0;
        buffer->end = held;
        if (held + size > buffer->capacity) {
            buffer->capacity = (held + size) * 2;
            buffer->data = realloc(buffer->data, buffer->capacity);
            if (!buffer->data)
                die("out of memory");
        }
    }
    memcpy(buffer->data + buffer->end, data, size);
    buffer->end += size;
}

size_t bytes_held(const struct bytes *buffer)
{
    return buffer->end - buffer->start;
}

void bytes_free(struct bytes *buffer)
{
    free(buffer->data);
    *buffer = (struct bytes){0};
}

bool bytes_send(struct bytes *buffer, int fd)
{
    while (bytes_held(buffer)) {
        ssize_t sent = send(fd, buffer->data + buffer->start, bytes_held(buffer), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        buffer->start += (size_t)sent;
    }
    buffer->start = buffer->end = 0;
    return true;
}

uint32_t get_be24(const uint8_t *at)
{
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

uint32_t get_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | get_be24(at + 1);
}

void put_be24(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 16);
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)value;
}

void put_be32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    put_be24(at + 1, value);
}

void samples_add(struct samples *samples, double value)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 1024;
        samples->values = realloc(samples->values, samples->capacity * sizeof *samples->values);
        if (!samples->values)
            die("out of memory");
    }
    samples->values[samples->count++] = value;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Nearest rank: the smallest value that at least this share of all values does not exceed. */
static double quantile(const struct samples *samples, double share)
{
    size_t rank = (size_t)(share * (double)samples->count + 0.999999);
    return samples->values[rank > 0 ? rank - 1 : 0];
}

void samples_print(struct samples *samples)
{
    if (!samples->count) {
        printf("{\"samples\": 0}");
        return;
    }
    qsort(samples->values, samples->count, sizeof *samples->values, ascending);
    printf("{\"samples\": %zu, \"min\": %.3f, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", samples->count,
           samples->values[0], quantile(samples, 0.50), quantile(samples, 0.99),
           samples->values[samples->count - 1]);
}

int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

struct sockaddr_in loopback(const char *host, unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        die("--host takes an IPv4 address, not %s", host);
    return address;
}

enum command read_command(void)
{
    static char line[64];
    static size_t length;
    char byte;
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got == 0)
            return COMMAND_STOP;
        if (got < 0)
            return errno == EAGAIN ? COMMAND_NONE : COMMAND_STOP;
        if (byte != '\n') {
            if (length < sizeof line - 1)
                line[length++] = byte;
            continue;
        }
        line[length] = 0;
        length = 0;
        if (!strcmp(line, "mark"))
            return COMMAND_MARK;
        if (!strcmp(line, "report"))
            return COMMAND_REPORT;
        if (!strcmp(line, "stop"))
            return COMMAND_STOP;
        die("unknown command: %s", line);
    }
}
