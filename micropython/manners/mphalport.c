// What MicroPython asks of the machine: time, sleep, console.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"

static pthread_mutex_t atomic = PTHREAD_MUTEX_INITIALIZER;

unsigned manners_begin_atomic(void) {
    pthread_mutex_lock(&atomic);
    return 0;
}

void manners_end_atomic(unsigned state) {
    (void)state;
    pthread_mutex_unlock(&atomic);
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return (mp_uint_t)(now_us() / 1000);
}

mp_uint_t mp_hal_ticks_us(void) {
    return (mp_uint_t)now_us();
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return mp_hal_ticks_us();
}

uint64_t mp_hal_time_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// The vendor's message queue for the main thread's sleep: what is put there while nobody sleeps is not kept.
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wakes;
static bool sleeps;
static bool woken;

static void __attribute__((constructor)) make_condition(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&wakes, &attributes);
}

void manners_wake_main_thread(void) {
    pthread_mutex_lock(&sleep_lock);
    if (sleeps) {
        woken = true;
        pthread_cond_signal(&wakes);
    }
    pthread_mutex_unlock(&sleep_lock);
}

// False: the time is over, and nobody has woken it.
static bool sleep_until_woken(mp_uint_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&sleep_lock);
    sleeps = true;
    int error = 0;
    while (!woken && error == 0) {
        error = pthread_cond_timedwait(&wakes, &sleep_lock, &until);
    }
    bool result = woken;
    sleeps = woken = false;
    pthread_mutex_unlock(&sleep_lock);
    return result;
}

static void sleep_ms(mp_uint_t ms) {
    struct timespec left = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) != 0) {
    }
}

// Frees the GIL itself. In the main thread what is scheduled ends a sleep, and is run; other threads sleep to the end.
void mp_hal_delay_ms(mp_uint_t ms) {
    if (!manners_is_main_thread()) {
        MP_THREAD_GIL_EXIT();
        sleep_ms(ms);
        MP_THREAD_GIL_ENTER();
        return;
    }
    uint64_t end = now_us() + ms * 1000;
    for (;;) {
        uint64_t now = now_us();
        MP_THREAD_GIL_EXIT();
        bool goes_on = sleep_until_woken(end > now ? (mp_uint_t)((end - now + 999) / 1000) : 0);
        MP_THREAD_GIL_ENTER();
        if (!goes_on) {
            return;
        }
        MICROPY_EVENT_POLL_HOOK
    }
}

// Not less than a millisecond, as there.
void mp_hal_delay_us(mp_uint_t us) {
    mp_hal_delay_ms(us < 1000 ? 1 : us / 1000);
}

int mp_hal_stdin_rx_chr(void) {
    unsigned char c;
    MP_THREAD_GIL_EXIT();
    ssize_t len = read(STDIN_FILENO, &c, 1);
    MP_THREAD_GIL_ENTER();
    return len == 1 ? c : 4;
}

char manners_printed[64];

static void put(const char *text, size_t len) {
    size_t kept = MIN(len, sizeof(manners_printed) - 1);
    memcpy(manners_printed, text, kept);
    manners_printed[kept] = 0;
    while (len > 0) {
        ssize_t written = write(STDOUT_FILENO, text, len);
        if (written < 0 && errno != EINTR) {
            exit(1); // nobody listens any more
        }
        if (written > 0) {
            text += written;
            len -= (size_t)written;
        }
    }
}

#if MANNERS_OLD
void mp_hal_stdout_tx_strn(const char *text, size_t len) {
    put(text, len);
}
#else
mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t len) {
    put(text, len);
    return len;
}
#endif

// A line ends as it does in the files of this machine.
void mp_hal_stdout_tx_strn_cooked(const char *text, size_t len) {
    put(text, len);
}

void mp_hal_stdout_tx_str(const char *text) {
    put(text, strlen(text));
}
