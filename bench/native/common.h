/* What the benchmark's clients share: a clock, a growing buffer, percentiles, commands on standard input. */
#ifndef OXBOW_BENCH_COMMON_H
#define OXBOW_BENCH_COMMON_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in microseconds: one clock for every process of the machine, so stamps can be compared. */
int64_t now_us(void);

/* Prints a line to standard error and ends the program with status 2. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Ends this program when the benchmark that started it dies, and lifts its limit of open files to the maximum. */
void settle_in(unsigned descriptors_needed);

struct bytes {
    uint8_t *data;
    size_t start, end, capacity;
};

void bytes_put(struct bytes *buffer, const void *data, size_t size);
size_t bytes_held(const struct bytes *buffer);
void bytes_free(struct bytes *buffer);
/* Sends what the socket takes. False when the connection is gone. */
bool bytes_send(struct bytes *buffer, int fd);

uint32_t get_be24(const uint8_t *at);
uint32_t get_be32(const uint8_t *at);
void put_be24(uint8_t *at, uint32_t value);
void put_be32(uint8_t *at, uint32_t value);

struct samples {
    double *values;
    size_t count, capacity;
};

void samples_add(struct samples *samples, double value);
/* Prints {"samples": .., "min": .., "p50": .., "p99": .., "max": ..}; sorts the values in place. */
void samples_print(struct samples *samples);

/* A connect() under way on a non-blocking socket with TCP_NODELAY, or -1. */
int connect_to(const struct sockaddr_in *address);
struct sockaddr_in loopback(const char *host, unsigned port);

enum command { COMMAND_NONE, COMMAND_MARK, COMMAND_REPORT, COMMAND_STOP };

/* One command if standard input holds one (mark, report, stop); its end counts as stop. */
enum command read_command(void);

#endif
