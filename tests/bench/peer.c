// The other side of every measurement: a Server on loopback that gives canned answers and is never the bottleneck.
//
// usage: peer ADDRESS      prints the port it listens on, and ends when its standard input does
//
// What it does beyond CONNACK, PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK and PINGRESP is asked for by MQTT itself:
//   SUBSCRIBE to SIZE/COUNT  after SUBACK, COUNT messages with payloads of SIZE octets (at least 8) at QoS 0, in large writes;
//                            COUNT 0: without end. The payload begins with the number of the message, from 0, in 8 octets.
//   SUBSCRIBE to settle      SUBACK comes after three tenths of a second
//   PUBLISH to echo...       goes back as it came
// Each connection has a thread that waits in accept before it comes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS (16)
#define IN_SIZE (4 << 20)
#define OUT_SIZE (1 << 20)
#define STREAM_SIZE (256 << 10)
#define SUBACK_US (100000)
#define SETTLE_US (300000)
#define SINK_PACKET (1024)
#define SINK_SIZE (16 << 10)
#define SINK_US (20)
#define TOPIC "bench/t"
#define TOPIC_LEN (sizeof TOPIC - 1)

typedef struct _connection_t {
    int fd;
    uint8_t *in;
    size_t in_len;
    size_t last_len; // of the last read
    uint8_t *out;
    size_t out_len;
    bool is_over;
    bool is_sink; // what came last was a small message at QoS 0
} connection_t;

static void write_all(connection_t *c, const uint8_t *data, size_t len) {
    while (len > 0 && !c->is_over) {
        ssize_t written = write(c->fd, data, len);
        if (written <= 0) {
            c->is_over = true;
            return;
        }
        data += written;
        len -= (size_t)written;
    }
}

static void flush(connection_t *c) {
    write_all(c, c->out, c->out_len);
    c->out_len = 0;
}

static void answer(connection_t *c, const uint8_t *data, size_t len) {
    if (c->out_len + len > OUT_SIZE) {
        flush(c);
    }
    if (len > OUT_SIZE) {
        write_all(c, data, len);
        return;
    }
    memcpy(c->out + c->out_len, data, len);
    c->out_len += len;
}

static void answer_identifier(connection_t *c, uint8_t first, const uint8_t *identifier) {
    uint8_t packet[4] = { first, 2, identifier[0], identifier[1] };
    answer(c, packet, sizeof packet);
}

// Writes `count` messages of `size` octets; all of those that one write takes lie side by side, and are numbered anew.
static void stream(connection_t *c, size_t size, uint64_t count) {
    uint8_t header[5] = { 0x30 };
    size_t header_len = 1;
    for (size_t left = 2 + TOPIC_LEN + size;;) {
        header[header_len++] = (uint8_t)(left > 127 ? left % 128 | 128 : left);
        left /= 128;
        if (left == 0) {
            break;
        }
    }
    size_t number_at = header_len + 2 + TOPIC_LEN;
    size_t len = number_at + size;
    size_t most = len < STREAM_SIZE ? STREAM_SIZE / len : 1;
    uint8_t *messages = malloc(most * len);
    for (uint8_t *at = messages; at < messages + most * len; at += len) {
        memset(at, 'x', len);
        memcpy(at, header, header_len);
        at[header_len] = 0;
        at[header_len + 1] = TOPIC_LEN;
        memcpy(at + header_len + 2, TOPIC, TOPIC_LEN);
    }
    for (uint64_t sent = 0; (count == 0 || sent < count) && !c->is_over;) {
        size_t some = count == 0 || count - sent > most ? most : (size_t)(count - sent);
        for (size_t i = 0; i < some; ++i, ++sent) {
            uint64_t number = __builtin_bswap64(sent);
            memcpy(messages + i * len + number_at, &number, sizeof number);
        }
        write_all(c, messages, some * len);
    }
    free(messages);
}

static void on_publish(connection_t *c, const uint8_t *packet, size_t len, const uint8_t *body) {
    size_t topic_len = (size_t)body[0] << 8 | body[1];
    const uint8_t *topic = body + 2;
    if (topic_len >= 4 && memcmp(topic, "echo", 4) == 0) {
        answer(c, packet, len);
    }
    uint8_t qos = packet[0] >> 1 & 3;
    c->is_sink = qos == 0 && c->out_len == 0 && len < SINK_PACKET;
    if (qos > 0) {
        answer_identifier(c, qos == 1 ? 0x40 : 0x50, topic + topic_len);
    }
}

static void on_subscribe(connection_t *c, const uint8_t *body) {
    uint8_t suback[5] = { 0x90, 3, body[0], body[1], 0 };
    size_t filter_len = (size_t)body[2] << 8 | body[3];
    char filter[64] = { 0 };
    memcpy(filter, body + 4, filter_len < sizeof filter ? filter_len : sizeof filter - 1);
    if (strcmp(filter, "settle") == 0) {
        usleep(SETTLE_US);
    }
    answer(c, suback, sizeof suback);
    unsigned long size, count;
    if (sscanf(filter, "%lu/%lu", &size, &count) == 2 && size >= 8) {
        flush(c);
        if (count > 0) {
            // For exact figures SUBACK is read alone, every time.
            usleep(SUBACK_US);
        }
        stream(c, size, count);
    }
}

static void on_packet(connection_t *c, const uint8_t *packet, size_t len, const uint8_t *body) {
    static const uint8_t connack[4] = { 0x20, 2, 0, 0 };
    static const uint8_t pingresp[2] = { 0xd0, 0 };
    switch (packet[0] >> 4) {
        case 1:
            answer(c, connack, sizeof connack);
            break;
        case 3:
            on_publish(c, packet, len, body);
            break;
        case 5:
            answer_identifier(c, 0x62, body);
            break;
        case 6:
            answer_identifier(c, 0x70, body);
            break;
        case 8:
            on_subscribe(c, body);
            break;
        case 10:
            answer_identifier(c, 0xb0, body);
            break;
        case 12:
            answer(c, pingresp, sizeof pingresp);
            break;
        case 14:
            c->is_over = true;
            break;
    }
}

// Deals with all whole packets that are here and keeps the rest.
static void cut(connection_t *c) {
    size_t at = 0;
    while (!c->is_over) {
        size_t left = c->in_len - at;
        const uint8_t *packet = c->in + at;
        size_t header_len = 1, body_len = 0;
        do {
            if (header_len >= left) {
                goto keep;
            }
            body_len |= (size_t)(packet[header_len] & 127) << 7 * (header_len - 1);
        } while (packet[header_len++] & 128 && header_len < 5);
        if (header_len + body_len > left) {
            break;
        }
        on_packet(c, packet, header_len + body_len, packet + header_len);
        at += header_len + body_len;
    }
keep:
    memmove(c->in, c->in + at, c->in_len - at);
    c->in_len -= at;
}

static void *serve(void *listener) {
    connection_t c = { .in = malloc(IN_SIZE), .out = malloc(OUT_SIZE) };
    for (;;) {
        c.fd = accept(*(int *)listener, NULL, NULL);
        if (c.fd < 0) {
            continue;
        }
        int yes = 1;
        setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        c.in_len = c.out_len = 0;
        c.is_over = c.is_sink = false;
        while (!c.is_over) {
            if (c.is_sink && c.last_len < SINK_SIZE) {
                // Were it asleep in read, each write would have to wake it, which takes longer than the write.
                usleep(SINK_US);
            }
            ssize_t len = read(c.fd, c.in + c.in_len, IN_SIZE - c.in_len);
            if (len <= 0) {
                break;
            }
            c.in_len += (size_t)len;
            c.last_len = (size_t)len;
            cut(&c);
            flush(&c);
        }
        close(c.fd);
    }
    return NULL;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    if (argc != 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1
        || bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 64) != 0
        || getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        perror("peer");
        return 1;
    }
    for (int i = 0; i < THREADS; ++i) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve, &listener);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
