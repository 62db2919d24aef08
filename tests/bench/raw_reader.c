/*
 * The limit of what a receiver can do here: epoll, a minimal frame reader, nothing else. Connects
 * to the flood, subscribes, counts messages, prints its CPU time a message. raw_reader PORT
 * MESSAGES
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 << 10 };

static void send_text(int fd, const char *text)
{
    uint8_t frame[256] = {0x81};
    size_t n = strlen(text), at = 2;
    frame[1] = 0x80 | (n < 126 ? (uint8_t)n : 126);
    if (n >= 126) {
        frame[at++] = (uint8_t)(n >> 8);
        frame[at++] = (uint8_t)n;
    }
    at += 4; /* mask 0: legal for a benchmark, and the payload stays readable */
    memcpy(frame + at, text, n);
    if (write(fd, frame, at + n) < 0)
        exit(1);
}

/* Steps over whole frames; returns what is left. */
static size_t frames(const uint8_t *p, size_t len, uint64_t *count, uint64_t *bytes)
{
    while (len >= 2) {
        uint64_t n = p[1] & 127;
        size_t head = 2;
        if (n == 126) {
            if (len < 4)
                break;
            n = (uint64_t)p[2] << 8 | p[3];
            head = 4;
        }
        if (len < head + n)
            break;
        (*count)++;
        *bytes += n;
        p += head + n;
        len -= head + n;
    }
    return len;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    uint64_t want = strtoull(argv[2], NULL, 10), count = 0, bytes = 0;
    static uint8_t buffer[BUFFER];
    int fd = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return 1;
    static const char upgrade[] =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    if (write(fd, upgrade, sizeof(upgrade) - 1) < 0 || read(fd, buffer, BUFFER) <= 0)
        return 1;
    send_text(
        fd,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
    send_text(
        fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{}]}");
    struct epoll_event ev = {.events = EPOLLIN};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0)
        return 1;
    size_t held = 0;
    while (count < want) {
        if (epoll_wait(ep, &ev, 1, -1) < 0)
            return 1;
        ssize_t n = read(fd, buffer + held, BUFFER - held);
        if (n <= 0)
            return 1;
        size_t total = held + (size_t)n, left = frames(buffer, total, &count, &bytes);
        memmove(buffer, buffer + total - left, left);
        held = left;
    }
    struct rusage ru;
    (void)getrusage(RUSAGE_SELF, &ru);
    double us = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 +
                (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
    printf("{\"messages\":%llu,\"cpu_us\":%.4f,\"rss_kb\":%ld}\n", (unsigned long long)count,
           us / (double)count, ru.ru_maxrss);
    return 0;
}
