// The network: lwIP, its frames carried by libslirp, which QEMU has for the same purpose. Needs no rights and no device, so
// that sockets in here reach the machine's servers, on 127.0.0.1 too, over real TCP.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <slirp/libslirp.h>

#include "wire.h"
#include "wire_lwip.h"

enum { FRAME_MOST = 1514, FDS_MOST = 256, NAP_MOST_MS = 1000 };

// Frames from lwIP to the carrier: [0] is lwIP's end.
static int pipe_ends[2];
static Slirp *slirp;

// What libslirp waits for, in one poll().
static struct pollfd fds[FDS_MOST];
static int fds_used;

// libslirp wants a timer for IPv6 only, which is off; but it asks for one.
struct timer {
    int64_t at_ms; // -1: not set
    SlirpTimerCb call;
    void *opaque;
};
static struct timer timers[8];
static int timers_used;

static int64_t clock_ns(void *opaque) {
    (void)opaque;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void *timer_new(SlirpTimerCb call, void *timer_opaque, void *opaque) {
    (void)opaque;
    if (timers_used == sizeof(timers) / sizeof(timers[0])) {
        abort();
    }
    struct timer *timer = &timers[timers_used++];
    *timer = (struct timer) { -1, call, timer_opaque };
    return timer;
}

static void timer_free(void *timer, void *opaque) {
    (void)opaque;
    ((struct timer *)timer)->at_ms = -1;
}

static void timer_mod(void *timer, int64_t at_ms, void *opaque) {
    (void)opaque;
    ((struct timer *)timer)->at_ms = at_ms;
}

static void run_timers(void) {
    int64_t now_ms = clock_ns(NULL) / 1000000;
    for (int i = 0; i < timers_used; ++i) {
        if (timers[i].at_ms >= 0 && timers[i].at_ms <= now_ms) {
            timers[i].at_ms = -1;
            timers[i].call(timers[i].opaque);
        }
    }
}

static ssize_t to_lwip(const void *frame, size_t len, void *opaque) {
    (void)opaque;
    wire_lwip_input(frame, len);
    return (ssize_t)len;
}

static void complain(const char *text, void *opaque) {
    (void)opaque;
    fprintf(stderr, "slirp: %s\n", text);
}

static void no_descriptor(int fd, void *opaque) {
    (void)fd;
    (void)opaque;
}

static void no_notice(void *opaque) {
    (void)opaque;
}

static int add_poll(int fd, int events, void *opaque) {
    (void)opaque;
    if (fds_used == FDS_MOST) {
        abort();
    }
    short wanted = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
        (events & SLIRP_POLL_PRI ? POLLPRI : 0));
    fds[fds_used] = (struct pollfd) { .fd = fd, .events = wanted };
    return fds_used++;
}

static int get_revents(int i, void *opaque) {
    (void)opaque;
    short came = fds[i].revents;
    return (came & POLLIN ? SLIRP_POLL_IN : 0) | (came & POLLOUT ? SLIRP_POLL_OUT : 0) | (came & POLLPRI ? SLIRP_POLL_PRI : 0) |
           (came & POLLERR ? SLIRP_POLL_ERR : 0) | (came & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void *carry(void *unused) {
    (void)unused;
    for (;;) {
        uint32_t nap_ms = NAP_MOST_MS;
        fds[0] = (struct pollfd) { .fd = pipe_ends[1], .events = POLLIN };
        fds_used = 1;
        slirp_pollfds_fill(slirp, &nap_ms, add_poll, NULL);
        int found = poll(fds, (nfds_t)fds_used, (int)nap_ms);
        bool has_frames = found > 0 && (fds[0].revents & POLLIN);
        slirp_pollfds_poll(slirp, found < 0, get_revents, NULL);
        run_timers();
        uint8_t frame[FRAME_MOST];
        ssize_t len;
        while (has_frames && (len = recv(pipe_ends[1], frame, sizeof(frame), MSG_DONTWAIT)) > 0) {
            slirp_input(slirp, frame, (int)len);
        }
    }
    return NULL;
}

// lwIP has a frame for the other side.
void wire_output(const void *frame, size_t len) {
    while (send(pipe_ends[0], frame, len, 0) < 0 && errno == EINTR) {
    }
}

void wire_start(void) {
    static const SlirpCb callbacks = {
        .send_packet = to_lwip,
        .guest_error = complain,
        .clock_get_ns = clock_ns,
        .timer_new = timer_new,
        .timer_free = timer_free,
        .timer_mod = timer_mod,
        .register_poll_fd = no_descriptor,
        .unregister_poll_fd = no_descriptor,
        .notify = no_notice,
    };
    SlirpConfig config = { .version = 3, .in_enabled = true, .disable_dns = true };
    inet_aton(WIRE_NETWORK, &config.vnetwork);
    inet_aton(WIRE_NETMASK, &config.vnetmask);
    inet_aton(WIRE_GATEWAY, &config.vhost);
    inet_aton(WIRE_ADDRESS, &config.vdhcp_start);
    inet_aton(WIRE_NAMESERVER, &config.vnameserver);
    slirp = slirp_new(&config, &callbacks, NULL);
    pthread_t thread;
    if (slirp == NULL || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pipe_ends) != 0 ||
        pthread_create(&thread, NULL, carry, NULL) != 0) {
        perror("no network");
        exit(1);
    }
    wire_lwip_start();
}

struct look_up {
    const char *name;
    wire_address_t *addresses;
    int most;
    int found;
};

static void *look_up(void *argument) {
    struct look_up *asked = argument;
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *first;
    if (getaddrinfo(asked->name, NULL, &hints, &first) != 0) {
        return NULL;
    }
    for (struct addrinfo *one = first; one != NULL && asked->found < asked->most; one = one->ai_next) {
        struct sockaddr_in *address = (struct sockaddr_in *)one->ai_addr;
        inet_ntop(AF_INET, &address->sin_addr, asked->addresses[asked->found++].text, sizeof(wire_address_t));
    }
    freeaddrinfo(first);
    return NULL;
}

int wire_look_up(const char *name, wire_address_t *addresses, int most) {
    // In a thread with the stack of a big machine: the callers' are those of a small one.
    struct look_up asked = { name, addresses, most, 0 };
    pthread_t thread;
    if (pthread_create(&thread, NULL, look_up, &asked) != 0) {
        return 0;
    }
    pthread_join(thread, NULL);
    return asked.found;
}
