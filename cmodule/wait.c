// The mutex around a client, and the one place that sleeps.
//
// One thread at a time sleeps on the stream until octets can be read: the reader. While it sleeps nobody else reads
// (umqtt_stream_read sees to that). Another thread that waits for an answer sleeps on a semaphore of its own, and the
// reader wakes it whenever something has come. Were both to sleep on the stream, one could read the other's answer between
// the other's look and its sleep. Who has something to write sleeps on the stream until it can.
#include "mqttclient.h"

#if UMQTT_UNIX
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#endif

// How long to sleep at most where there is no descriptor to sleep on: the stream is then tried again.
#define TRY_AGAIN_MS (10)

uint32_t mqttclient_ticks_ms(void) {
    return (uint32_t)mp_hal_ticks_ms();
}

// The moment in ms milliseconds, ms under 2^31.
uint32_t mqttclient_deadline_after(uint32_t ms) {
    uint32_t deadline = mqttclient_ticks_ms() + ms;
    return deadline == MQTTCLIENT_NO_DEADLINE ? deadline + 1 : deadline;
}

// Milliseconds until a deadline, 0 if it has passed.
uint32_t mqttclient_ms_until(uint32_t deadline) {
    if (deadline == MQTTCLIENT_NO_DEADLINE) {
        return UMQTT_FOREVER;
    }
    int32_t ms = (int32_t)(deadline - mqttclient_ticks_ms());
    return ms > 0 ? (uint32_t)ms : 0;
}

#if UMQTT_INTERRUPTS_JUMP
// KeyboardInterrupt must not jump out of Rust, nor leave the mutex locked.
static void hold_interrupts(int how) {
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    pthread_sigmask(how, &interrupts, NULL);
}
#endif

void mqttclient_lock(mqttclient_obj_t *self) {
    #if UMQTT_INTERRUPTS_JUMP
    hold_interrupts(SIG_BLOCK);
    #endif
    #if UMQTT_THREADS
    if (mp_thread_mutex_lock(&self->mutex, 0) != 1) {
        MP_THREAD_GIL_EXIT();
        mp_thread_mutex_lock(&self->mutex, 1);
        MP_THREAD_GIL_ENTER();
    }
    #endif
}

void mqttclient_unlock(mqttclient_obj_t *self) {
    #if UMQTT_THREADS
    mp_thread_mutex_unlock(&self->mutex);
    #endif
    #if UMQTT_INTERRUPTS_JUMP
    hold_interrupts(SIG_UNBLOCK);
    #endif
}

// The descriptor behind a socket, or -1 if it has none.
int mqttclient_fileno(mp_obj_t sock) {
    #if UMQTT_UNIX
    int errcode;
    mp_uint_t fd = mp_get_stream(sock)->ioctl(sock, MP_STREAM_GET_FILENO, 0, &errcode);
    if (fd != MP_STREAM_ERROR) {
        return (int)fd;
    }
    #endif
    return -1;
}

#if UMQTT_UNIX
// Sleeps on a descriptor, then runs what is pending. May raise.
static void sleep_on_fd(int fd, short events, uint32_t ms) {
    struct pollfd poll_fd = { .fd = fd, .events = events };
    MP_THREAD_GIL_EXIT();
    poll(&poll_fd, 1, ms > INT32_MAX ? -1 : (int)ms);
    MP_THREAD_GIL_ENTER();
    mp_handle_pending(true);
}

// What to wait for on the descriptor. A TLS stream may want to read before it can write, and knows it; the descriptor
// under it could be written to all the time.
static short events_of(mp_obj_t sock, mp_obj_t stream, int fd, unsigned want) {
    short events = want & UMQTT_WANT_READ ? POLLIN : 0;
    if (want & UMQTT_WANT_WRITE) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
        if (stream == sock || poll(&poll_fd, 1, 0) == 0) {
            events |= POLLOUT;
        } else {
            events |= POLLIN;
        }
    }
    return events;
}
#endif

// Sleeps until a stream that nobody else uses may be ready, or for ms milliseconds. May raise.
void mqttclient_sleep_on(mp_obj_t sock, mp_obj_t stream, unsigned want, uint32_t ms) {
    #if UMQTT_UNIX
    int fd = mqttclient_fileno(sock);
    if (fd >= 0) {
        sleep_on_fd(fd, events_of(sock, stream, fd, want), ms);
        return;
    }
    #endif
    (void)stream;
    (void)want;
    umqtt_port_sleep_ms(MIN(ms, TRY_AGAIN_MS));
}

#if UMQTT_UNIX && UMQTT_THREADS
// Sleeps until the reader wakes this thread, or for ms milliseconds. May raise.
static void sleep_on_semaphore(sem_t *woken, uint32_t ms) {
    if (ms > INT32_MAX) {
        sem_wait(woken);
    } else {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += ms / 1000;
        until.tv_nsec += (long)(ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec += 1;
            until.tv_nsec -= 1000000000;
        }
        sem_timedwait(woken, &until);
    }
    mp_handle_pending(true);
}
#endif

// Wakes all threads that wait for the reader: something has come, or has changed. The mutex is held.
void mqttclient_wake_others(mqttclient_obj_t *self) {
    #if UMQTT_UNIX && UMQTT_THREADS
    for (mqttclient_waiter_t *waiter = self->waiters; waiter != NULL; waiter = waiter->next) {
        sem_post(&waiter->woken);
    }
    #else
    (void)self;
    #endif
}

// Sleeps until the stream may be as wanted (0: until another thread has done something) or for ms milliseconds. The mutex is held before and after, and not while
// sleeping. False: what was pending raised, and the exception is in self->raised.
bool mqttclient_sleep(mqttclient_obj_t *self, unsigned want, uint32_t ms) {
    nlr_buf_t nlr;
    bool undisturbed = true;
    mp_obj_t sock = self->sock;
    mp_obj_t stream = self->stream;
    #if UMQTT_UNIX && UMQTT_THREADS
    volatile bool is_reader = false;
    mqttclient_waiter_t self_waiting;
    volatile bool is_waiter = false;
    if (want == 0) {
        is_waiter = true;
    } else if (!self->has_reader) {
        is_reader = true;
        self->has_reader = true;
    } else if (want & UMQTT_WANT_WRITE) {
        want = UMQTT_WANT_WRITE;
    } else {
        is_waiter = true;
    }
    if (is_waiter) {
        sem_init(&self_waiting.woken, 0, 0);
        self_waiting.next = self->waiters;
        self->waiters = &self_waiting;
    }
    #endif
    if (nlr_push(&nlr) == 0) {
        mqttclient_unlock(self);
        #if UMQTT_UNIX && UMQTT_THREADS
        if (is_waiter) {
            sleep_on_semaphore(&self_waiting.woken, ms);
        } else {
            mqttclient_sleep_on(sock, stream, want, ms);
        }
        #else
        mqttclient_sleep_on(sock, stream, want, ms);
        #endif
        // Before nlr_pop, so that an interrupt that jumps cannot leave by here with the client half awake.
        mqttclient_lock(self);
        nlr_pop();
    } else {
        mqttclient_lock(self);
        self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        undisturbed = false;
    }
    #if UMQTT_UNIX && UMQTT_THREADS
    if (is_waiter) {
        mqttclient_waiter_t **place = &self->waiters;
        while (*place != &self_waiting) {
            place = &(*place)->next;
        }
        *place = self_waiting.next;
        sem_destroy(&self_waiting.woken);
    }
    if (is_reader) {
        // Whoever waits looks for itself, and one of them becomes the reader if this thread does not come back.
        self->has_reader = false;
        mqttclient_wake_others(self);
    }
    #endif
    return undisturbed;
}
