// Everything of MicroPython that the module uses comes through here, and every difference between its versions stands here.
#ifndef UMQTT_PORT_H
#define UMQTT_PORT_H

#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/objstr.h"
#include "py/objtype.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "py/stream.h"

#define UMQTT_MICROPYTHON (MICROPY_VERSION_MAJOR * 1000 + MICROPY_VERSION_MINOR)

// MP_REGISTER_MODULE lost its third argument in 1.19. Both calls stand in modumqtt.c, since the build reads them from there
// as text.
#define UMQTT_REGISTER_WITH_SWITCH (UMQTT_MICROPYTHON < 1019)

// A class without a stream's protocol, and one with it. Types have slots since 1.20, and one that is there must not be NULL.
#if UMQTT_MICROPYTHON >= 1020
#define UMQTT_DEFINE_CLASS(type_name, qstr_name, make_new_fun, locals) \
    MP_DEFINE_CONST_OBJ_TYPE(type_name, qstr_name, MP_TYPE_FLAG_NONE, make_new, make_new_fun, locals_dict, &locals)
#define UMQTT_DEFINE_STREAM_CLASS(type_name, qstr_name, make_new_fun, locals, stream) \
    MP_DEFINE_CONST_OBJ_TYPE(type_name, qstr_name, MP_TYPE_FLAG_NONE, make_new, make_new_fun, protocol, stream, \
    locals_dict, &locals)
#else
#define UMQTT_DEFINE_CLASS(type_name, qstr_name, make_new_fun, locals) \
    UMQTT_DEFINE_STREAM_CLASS(type_name, qstr_name, make_new_fun, locals, NULL)
#define UMQTT_DEFINE_STREAM_CLASS(type_name, qstr_name, make_new_fun, locals, stream) \
    const mp_obj_type_t type_name = { \
        { &mp_type_type }, \
        .name = qstr_name, \
        .make_new = make_new_fun, \
        .protocol = stream, \
        .locals_dict = (mp_obj_dict_t *)&locals, \
    }
#endif


// MP_DEFINE_EXCEPTION came to the headers in 1.18.
#include "py/objexcept.h"
#ifndef MP_DEFINE_EXCEPTION
#define MP_DEFINE_EXCEPTION(exc_name, base_name) \
    const mp_obj_type_t mp_type_##exc_name = { \
        { &mp_type_type }, \
        .name = MP_QSTR_##exc_name, \
        .print = mp_obj_exception_print, \
        .make_new = mp_obj_exception_make_new, \
        .attr = mp_obj_exception_attr, \
        .parent = &mp_type_##base_name, \
    };
#endif

// MicroPython's own TLS is the module tls since 1.23, with SSLContext only; who brings a module of his own may not have that.
#if UMQTT_MICROPYTHON >= 1023 && MICROPY_PY_SSL
#define UMQTT_SSL_CONTEXT_ONLY (1)
#else
#define UMQTT_SSL_CONTEXT_ONLY (0)
#endif

// In 1.21 and 1.22 load_verify_locations takes the name of a file in the place of cadata. There is wrap_socket, as before.
#define UMQTT_SSL_CADATA_BY_KEYWORD (UMQTT_MICROPYTHON < 1023)

// nlr_push returns twice, as setjmp does, and MicroPython does not tell the compiler. Untold, gcc gives the place of a local
// that only the second return needs to something else as soon as the first has no use for it.
#ifndef nlr_push
__attribute__((returns_twice)) unsigned int nlr_push(nlr_buf_t *nlr);
#endif

#define UMQTT_NORETURN __attribute__((noreturn))

// Threads without a GIL, as on the Unix port, or with one.
#define UMQTT_THREADS (MICROPY_PY_THREAD)

// A descriptor to sleep on in poll(2), and semaphores: the Unix port.
#if defined(__unix__) && !defined(UMQTT_NO_FILENO)
#define UMQTT_UNIX (1)
#else
#define UMQTT_UNIX (0)
#endif

#if UMQTT_UNIX
#include <time.h>
#endif

#if UMQTT_UNIX && UMQTT_THREADS
#include <pthread.h>
#endif

// Stock variants of the Unix port raise KeyboardInterrupt out of the signal handler, wherever the program is.
#if UMQTT_UNIX && defined(MICROPY_ASYNC_KBD_INTR) && MICROPY_ASYNC_KBD_INTR
#define UMQTT_INTERRUPTS_JUMP (1)
#else
#define UMQTT_INTERRUPTS_JUMP (0)
#endif

// Milliseconds of a clock that only goes forward.
static inline uint32_t umqtt_port_ticks_ms(void) {
    #if UMQTT_UNIX && defined(CLOCK_MONOTONIC_COARSE)
    // To the kernel's tick, a few milliseconds, and a quarter of the work of the exact one: each method asks once, and most of
    // them for the sake of a keepalive in seconds.
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)now.tv_sec * 1000 + (uint32_t)now.tv_nsec / 1000000;
    #else
    return (uint32_t)mp_hal_ticks_ms();
    #endif
}

#if UMQTT_THREADS
// Tells threads apart; never NULL.
static inline void *umqtt_port_this_thread(void) {
    #if UMQTT_UNIX
    // A fourth of the work of mp_thread_get_state.
    return (void *)pthread_self();
    #else
    return mp_thread_get_state();
    #endif
}
#endif

// Whether mp_handle_pending may find something. It wants an nlr_push around it, which costs more than to ask. (Exceptions are
// scheduled for the main thread alone, and another one finds nothing then; but whose thread this is would have to be looked up.)
static inline bool umqtt_port_is_pending(void) {
    #if UMQTT_MICROPYTHON >= 1020 && MICROPY_ENABLE_SCHEDULER
    return MP_STATE_VM(sched_state) == MP_SCHED_PENDING || MP_STATE_MAIN_THREAD(mp_pending_exception) != MP_OBJ_NULL;
    #else
    return true;
    #endif
}

// Raises RuntimeError if this thread has not so much of its stack left. MicroPython looks only where Python calls Python, and spares
// less for C than a method of this module takes.
#define UMQTT_CHECKS_STACK (UMQTT_THREADS && !UMQTT_UNIX)
#if UMQTT_CHECKS_STACK
static inline __attribute__((always_inline)) void umqtt_port_check_stack(size_t len) {
    volatile char *needed = __builtin_alloca(len);
    needed[0] = 0;
    MP_STACK_CHECK();
}
#endif

// Sleeps for up to ms milliseconds, less where the port is woken by what happens, and runs what is pending. May raise.
static inline void umqtt_port_sleep_ms(uint32_t ms) {
    #if UMQTT_MICROPYTHON >= 1022 && !defined(MICROPY_EVENT_POLL_HOOK)
    mp_event_wait_ms(ms);
    #else
    // That hook handles what is pending, but need not sleep: Quectel's does not. This does on every port, without the GIL.
    mp_hal_delay_ms(ms);
    mp_handle_pending(true);
    #endif
}

// Has an exception that came out of a place where it cannot be raised be pending once more: it is raised where the port looks next.
static inline void umqtt_port_raise_later(mp_obj_t exception) {
    #if UMQTT_MICROPYTHON >= 1016
    mp_sched_exception(exception);
    #else
    MP_STATE_VM(mp_pending_exception) = exception;
    #if MICROPY_ENABLE_SCHEDULER
    if (MP_STATE_VM(sched_state) == MP_SCHED_IDLE) {
        MP_STATE_VM(sched_state) = MP_SCHED_PENDING;
    }
    #endif
    #endif
}

// Memory for an object whose __del__ is called when nobody has it any more. May raise.
static inline void *umqtt_port_new_with_finaliser(size_t size) {
    #if MICROPY_ENABLE_FINALISER
    return m_malloc_with_finaliser(size);
    #else
    return m_malloc(size);
    #endif
}

// A bytes object around len octets of heap memory that end in a NUL. Its hash is left to be made when it is asked for: that
// is most of the work of mp_obj_new_bytes. May raise.
static inline mp_obj_t umqtt_port_bytes(const byte *data, size_t len) {
    mp_obj_str_t *bytes = m_new_obj(mp_obj_str_t);
    bytes->base.type = &mp_type_bytes;
    bytes->hash = 0;
    bytes->len = len;
    bytes->data = data;
    return MP_OBJ_FROM_PTR(bytes);
}

#endif // UMQTT_PORT_H
