// libmosquitto in C, for orientation: the work of micropython/clients.py, with the same words and the same result.
//
// usage: libmosquitto publish0|publish1|receive|echo ADDRESS PORT SIZE COUNT MILLISECONDS BATCH
#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOPIC "bench/t"

static struct mosquitto *client;
static long published, received, subscribed;
static bool is_connected;

static void on_connect(struct mosquitto *mosq, void *obj, int code) {
    (void)mosq, (void)obj;
    is_connected = code == 0;
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid) {
    (void)mosq, (void)obj, (void)mid;
    ++published;
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted) {
    (void)mosq, (void)obj, (void)mid, (void)count, (void)granted;
    ++subscribed;
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message) {
    (void)mosq, (void)obj, (void)message;
    ++received;
}

static void check(int status) {
    if (status != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "libmosquitto: %s\n", mosquitto_strerror(status));
        exit(1);
    }
}

static void loop(void) {
    check(mosquitto_loop(client, 1000, 1));
}

static void subscribe(const char *topic) {
    check(mosquitto_subscribe(client, NULL, topic, 0));
    while (subscribed == 0) {
        loop();
    }
}

static void publish(const char *topic, const void *msg, int size, int qos) {
    check(mosquitto_publish(client, NULL, topic, size, msg, qos, false));
}

// Does the work n times; receiving may do more than asked for.
static long run(const char *what, const void *msg, int size, long n) {
    long before = received;
    for (long i = 0; i < n; ++i) {
        if (strcmp(what, "receive") == 0) {
            while (received == before) {
                loop();
            }
            i += received - before - 1;
            n = i > n ? i : n;
            before = received;
        } else if (strcmp(what, "echo") == 0) {
            publish("echo", msg, size, 0);
            for (before = received; received == before;) {
                loop();
            }
        } else {
            int qos = what[strlen(what) - 1] - '0';
            long done = published;
            publish(TOPIC, msg, size, qos);
            while (qos > 0 && published == done) {
                loop();
            }
        }
    }
    return n;
}

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "libmosquitto: seven words, see its source\n");
        return 1;
    }
    const char *what = argv[1];
    int size = atoi(argv[4]);
    long count = atol(argv[5]), batch = atol(argv[7]);
    double limit_us = atof(argv[6]) * 1000;
    void *msg = calloc(1, (size_t)size + 1);
    mosquitto_lib_init();
    client = mosquitto_new("bench-c", true, NULL);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_publish_callback_set(client, on_publish);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    check(mosquitto_connect(client, argv[2], atoi(argv[3]), 60));
    while (!is_connected) {
        loop();
    }
    if (strcmp(what, "receive") == 0) {
        char filter[64];
        snprintf(filter, sizeof filter, "%d/%ld", size, count);
        subscribe(filter);
    } else if (strcmp(what, "echo") == 0) {
        subscribe("echo");
    }
    if (count > 0) {
        run(what, msg, size, count);
        return 0;
    }
    run(what, msg, size, 1);
    long done = 0;
    double begin = now_us(), spent = 0;
    while (spent < limit_us) {
        done += run(what, msg, size, batch);
        spent = now_us() - begin;
    }
    printf("RESULT %ld %.0f\n", done, spent);
    return 0;
}
