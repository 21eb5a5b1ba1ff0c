// The mutex around a client, and the one place that sleeps.
//
// One thread at a time sleeps on the stream until octets can be read: the reader. While it sleeps nobody else reads
// (umqtt_stream_read sees to that). Another thread that waits for an answer sleeps on a semaphore of its own, and the
// reader wakes it whenever something has come. Were both to sleep on the stream, one could read the other's answer between
// the other's look and its sleep. Who has something to write sleeps on the stream until it can.
#define _GNU_SOURCE // for sem_clockwait
#include "mqttclient.h"

#if UMQTT_UNIX
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#endif

// Whether the process has this thread alone: glibc's own word, which it takes back before a second one begins.
#if UMQTT_UNIX && __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define ONE_THREAD (__libc_single_threaded)
#else
#define ONE_THREAD (false)
#endif

// How long to sleep at most where there is no descriptor to sleep on: the stream is then tried again.
#define TRY_AGAIN_MS (10)

#if UMQTT_UNIX
// How long to sleep at a time: Ctrl-C that comes between the last look for it and the sleep does not end that, but is seen
// after it.
#define SLEEP_MOST_MS (1000)
#endif

// The moment in ms milliseconds, ms under 2^31.
uint32_t mqttclient_deadline_after(uint32_t ms) {
    uint32_t deadline = umqtt_port_ticks_ms() + ms;
    return deadline == MQTTCLIENT_NO_DEADLINE ? deadline + 1 : deadline;
}

// Milliseconds until a deadline, 0 if it has passed.
uint32_t mqttclient_ms_until(uint32_t deadline) {
    if (deadline == MQTTCLIENT_NO_DEADLINE) {
        return UMQTT_FOREVER;
    }
    int32_t ms = (int32_t)(deadline - umqtt_port_ticks_ms());
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

#if UMQTT_THREADS
// Atomic, because a thread that does not hold the mutex reads it, too: it sees its own name only if it wrote that itself.
static void set_owner(mqttclient_obj_t *self, void *thread) {
    __atomic_store_n(&self->owner, thread, __ATOMIC_RELAXED);
}
#endif

#if UMQTT_THREADS && UMQTT_UNIX
// The mutex counts who holds it and who waits for it; whoever frees it hands it over to one of those. While nobody waits,
// taking and freeing it are one atomic addition each, and while there is one thread a plain one. MicroPython's own mutex is ten
// times that, and no method does without.
void mqttclient_init_mutex(mqttclient_obj_t *self) {
    sem_init(&self->handed_over, 0, 0);
}

// Not inlined: those who need not wait save no registers for it.
static __attribute__((noinline)) void await_mutex(mqttclient_obj_t *self) {
    MP_THREAD_GIL_EXIT();
    while (sem_wait(&self->handed_over) != 0) {
        // A signal: the collector stops all threads with one.
    }
    MP_THREAD_GIL_ENTER();
}

static void take_mutex(mqttclient_obj_t *self) {
    if (ONE_THREAD) {
        self->takers++;
    } else if (__atomic_fetch_add(&self->takers, 1, __ATOMIC_ACQUIRE) > 0) {
        await_mutex(self);
    }
}

static void free_mutex(mqttclient_obj_t *self) {
    if (ONE_THREAD) {
        self->takers--;
    } else if (__atomic_fetch_sub(&self->takers, 1, __ATOMIC_RELEASE) > 1) {
        sem_post(&self->handed_over);
    }
}
#elif UMQTT_THREADS && MICROPY_PY_THREAD_GIL
// Under a GIL the name of the owner is mutex enough: no other thread runs between the look at it and the change. Where mutexes are
// objects of an operating system, one in each client would outlive it: few ports can delete one.
void mqttclient_init_mutex(mqttclient_obj_t *self) {
    (void)self;
}

// The owner is in a call of the stream that frees the GIL, which does not last.
static void take_mutex(mqttclient_obj_t *self) {
    mp_obj_t volatile raised = MP_OBJ_NULL;
    while (__atomic_load_n(&self->owner, __ATOMIC_RELAXED) != NULL) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            mp_hal_delay_ms(1);
            nlr_pop();
        } else {
            // Some ports handle what is pending while they sleep. This is no place to leave by.
            raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        }
    }
    if (raised != MP_OBJ_NULL) {
        umqtt_port_raise_later(raised);
    }
}

static void free_mutex(mqttclient_obj_t *self) {
    (void)self;
}
#elif UMQTT_THREADS
void mqttclient_init_mutex(mqttclient_obj_t *self) {
    mp_thread_mutex_init(&self->mutex);
}

static void take_mutex(mqttclient_obj_t *self) {
    mp_thread_mutex_lock(&self->mutex, 1);
}

static void free_mutex(mqttclient_obj_t *self) {
    mp_thread_mutex_unlock(&self->mutex);
}
#endif

// Raises RuntimeError if this thread holds the mutex already: Python code that a stream runs (a verify_callback, say) asks
// for the very client that is using the stream.
void mqttclient_lock(mqttclient_obj_t *self) {
    #if UMQTT_INTERRUPTS_JUMP
    hold_interrupts(SIG_BLOCK);
    #endif
    #if UMQTT_THREADS
    void *thread = umqtt_port_this_thread();
    if (__atomic_load_n(&self->owner, __ATOMIC_RELAXED) == thread) {
        mqttclient_raise(UMQTT_BUSY, 0);
    }
    take_mutex(self);
    set_owner(self, thread);
    #else
    if (self->locked) {
        mqttclient_raise(UMQTT_BUSY, 0);
    }
    self->locked = true;
    #endif
}

void mqttclient_unlock(mqttclient_obj_t *self) {
    #if UMQTT_THREADS
    set_owner(self, NULL);
    free_mutex(self);
    #else
    self->locked = false;
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
    #else
    (void)sock;
    #endif
    return -1;
}

#if UMQTT_UNIX
static void sleep_on_fd(int fd, short events, uint32_t ms) {
    struct pollfd poll_fd = { .fd = fd, .events = events };
    MP_THREAD_GIL_EXIT();
    poll(&poll_fd, 1, (int)MIN(ms, SLEEP_MOST_MS));
    MP_THREAD_GIL_ENTER();
}

// What to wait for on the descriptor of a stream; 0 if the stream is ready. A TLS stream may have to read before it can
// write, and knows it; the descriptor under it could be written to all the time.
static short events_of(mqttclient_obj_t *self, int fd, unsigned want) {
    short events = want & UMQTT_WANT_READ ? POLLIN : 0;
    if (!(want & UMQTT_WANT_WRITE)) {
        return events;
    }
    struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
    if (self->stream == self->sock || poll(&poll_fd, 1, 0) == 0) {
        return events | POLLOUT;
    }
    // In this order: what can be written to stays so, since nobody else writes.
    int errcode;
    mp_uint_t ready = mp_get_stream(self->stream)->ioctl(self->stream, MP_STREAM_POLL, MP_STREAM_POLL_WR, &errcode);
    return ready == MP_STREAM_ERROR || ready != 0 ? 0 : POLLIN;
}
#endif

// How a socket fares that was asked to connect and that nobody else uses, after up to ms milliseconds: 0 if it is connected,
// EINPROGRESS, or why it cannot be. Runs what is pending, and may raise.
int mqttclient_await_connected(mp_obj_t sock, uint32_t ms) {
    #if UMQTT_UNIX
    int fd = mqttclient_fileno(sock);
    if (fd >= 0) {
        sleep_on_fd(fd, POLLOUT, ms);
        mp_handle_pending(true);
        struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
        int error = MP_EINPROGRESS;
        if (poll(&poll_fd, 1, 0) != 0) {
            socklen_t len = sizeof(error);
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
        }
        return error;
    }
    #endif
    int errcode;
    mp_uint_t wanted = MP_STREAM_POLL_WR | MP_STREAM_POLL_ERR | MP_STREAM_POLL_HUP;
    mp_uint_t ready = mp_get_stream(sock)->ioctl(sock, MP_STREAM_POLL, wanted, &errcode);
    if (ready == MP_STREAM_ERROR || ready == 0) {
        umqtt_port_sleep_ms(MIN(ms, TRY_AGAIN_MS));
        return MP_EINPROGRESS;
    }
    // Why, no port tells.
    return ready == MP_STREAM_POLL_WR ? 0 : MP_ECONNREFUSED;
}

#if UMQTT_UNIX && UMQTT_THREADS
static void sleep_on_semaphore(sem_t *woken, uint32_t ms) {
    ms = MIN(ms, SLEEP_MOST_MS);
    // The clock that nobody sets, where there is a call for it.
    #if defined(__GLIBC_PREREQ) && __GLIBC_PREREQ(2, 30)
    #define SEMAPHORE_CLOCK CLOCK_MONOTONIC
    #define sem_wait_until(woken, until) sem_clockwait(woken, SEMAPHORE_CLOCK, until)
    #else
    #define SEMAPHORE_CLOCK CLOCK_REALTIME
    #define sem_wait_until(woken, until) sem_timedwait(woken, until)
    #endif
    struct timespec until;
    clock_gettime(SEMAPHORE_CLOCK, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000;
    }
    MP_THREAD_GIL_EXIT();
    sem_wait_until(woken, &until);
    MP_THREAD_GIL_ENTER();
}

// The connection is over: frees the mutex until nobody sleeps on its descriptor any more. All of them have been woken. Those of
// the next connection, which another thread may make meanwhile, are not waited for: they may sleep for long.
void mqttclient_await_sleepers(mqttclient_obj_t *self) {
    self->leavers += self->sleepers;
    self->sleepers = 0;
    while (self->leavers > 0) {
        // Interrupts stay held: this is no place to leave by.
        set_owner(self, NULL);
        free_mutex(self);
        MP_THREAD_GIL_EXIT();
        sched_yield();
        MP_THREAD_GIL_ENTER();
        take_mutex(self);
        set_owner(self, umqtt_port_this_thread());
    }
}
#endif

#if UMQTT_UNIX && UMQTT_THREADS
// Wakes all threads that wait for the reader: something has come, or has changed. The mutex is held.
void mqttclient_wake_others(mqttclient_obj_t *self) {
    for (mqttclient_waiter_t *waiter = self->waiters; waiter != NULL; waiter = waiter->next) {
        sem_post(&waiter->woken);
    }
}
#endif

// Sleeps for up to ms milliseconds, unless that is 0, on a descriptor if there is one, and runs what is pending: without the mutex,
// which is held before and after. False: it raised, and the exception is in self->raised.
static bool pause_unlocked(mqttclient_obj_t *self, int fd, short events, uint32_t ms) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mqttclient_unlock(self);
        #if UMQTT_UNIX
        if (fd >= 0) {
            sleep_on_fd(fd, events, ms);
            ms = 0;
        }
        #else
        (void)fd;
        (void)events;
        #endif
        if (ms > 0) {
            umqtt_port_sleep_ms(ms);
        } else {
            mp_handle_pending(true);
        }
        // Before nlr_pop, as in mqttclient_sleep.
        mqttclient_lock(self);
        nlr_pop();
        return true;
    }
    mqttclient_lock(self);
    self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    return false;
}

// Runs what is pending, without the mutex, which is held before and after. False: it raised, and the exception is in self->raised.
bool mqttclient_run_pending(mqttclient_obj_t *self) {
    return !umqtt_port_is_pending() || pause_unlocked(self, -1, 0, 0);
}

#if UMQTT_UNIX && UMQTT_THREADS
// Sleeps without the mutex: on a semaphore, or on the descriptor. What jumps out of it is in self->raised.
static void sleep_unlocked(mqttclient_obj_t *self, mqttclient_waiter_t *waiting, int fd, short events, uint32_t ms) {
    #if UMQTT_INTERRUPTS_JUMP
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        mqttclient_lock(self);
        self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        return;
    }
    #endif
    mqttclient_unlock(self);
    if (waiting != NULL) {
        sleep_on_semaphore(&waiting->woken, ms);
    } else {
        sleep_on_fd(fd, events, ms);
    }
    // Before nlr_pop, so that an interrupt that jumps cannot leave by here with the client half awake.
    mqttclient_lock(self);
    #if UMQTT_INTERRUPTS_JUMP
    nlr_pop();
    #endif
}

// Sleeps until the stream may be as wanted (0: until another thread has done something) or for ms milliseconds, and runs
// what is pending. The mutex is held before and after, and not in between. False: what was pending raised, and the exception
// is in self->raised.
bool mqttclient_sleep(mqttclient_obj_t *self, unsigned want, uint32_t ms) {
    bool is_reader = (want & UMQTT_WANT_READ) && !self->has_reader;
    if (!is_reader) {
        want &= UMQTT_WANT_WRITE;
    }
    bool is_waiter = want == 0;
    uint8_t connection = self->connection;
    int fd = -1;
    short events = 0;
    mqttclient_waiter_t waiting;
    if (is_waiter) {
        sem_init(&waiting.woken, 0, 0);
        waiting.next = self->waiters;
        self->waiters = &waiting;
    } else {
        fd = self->fd;
        events = events_of(self, fd, want);
        if (events == 0) {
            return true;
        }
        self->has_reader |= is_reader;
        ++self->sleepers;
    }
    sleep_unlocked(self, is_waiter ? &waiting : NULL, fd, events, ms);
    if (is_waiter) {
        mqttclient_waiter_t **place = &self->waiters;
        while (*place != &waiting) {
            place = &(*place)->next;
        }
        *place = waiting.next;
        sem_destroy(&waiting.woken);
    } else if (connection == self->connection) {
        --self->sleepers;
    } else {
        --self->leavers;
    }
    if (is_reader) {
        // Whoever waits looks for itself, and one of them becomes the reader if this thread does not come back.
        self->has_reader = false;
        mqttclient_wake_others(self);
    }
    return self->raised == MP_OBJ_NULL && mqttclient_run_pending(self);
}
#else
// Whether the stream is as wanted.
static bool is_ready(mqttclient_obj_t *self, unsigned want) {
    mp_uint_t flags = (want & UMQTT_WANT_READ ? MP_STREAM_POLL_RD : 0) | (want & UMQTT_WANT_WRITE ? MP_STREAM_POLL_WR : 0);
    int errcode;
    mp_uint_t ready = mp_get_stream(self->stream)->ioctl(self->stream, MP_STREAM_POLL, flags, &errcode);
    return ready != MP_STREAM_ERROR && ready != 0;
}

// The same for one thread at a time, or with threads that take turns in trying the stream.
bool mqttclient_sleep(mqttclient_obj_t *self, unsigned want, uint32_t ms) {
    #if UMQTT_UNIX
    int fd = self->fd;
    short events = fd >= 0 ? events_of(self, fd, want) : 0;
    if (fd >= 0) {
        return events == 0 ? mqttclient_run_pending(self) : pause_unlocked(self, fd, events, ms);
    }
    #endif
    // What is here already does not wait for a nap. Twice in a row the stream is not believed: TLS of some ports calls itself ready
    // for as long as its socket is.
    if (self->nap_ms == 0 && is_ready(self, want)) {
        self->nap_ms = 1;
        return mqttclient_run_pending(self);
    }
    // The answer to what has just left may be close.
    self->nap_ms = self->nap_ms == 0 ? 1 : MIN(2 * self->nap_ms, TRY_AGAIN_MS);
    return pause_unlocked(self, -1, 0, MIN(ms, self->nap_ms));
}
#endif
