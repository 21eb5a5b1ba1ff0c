// Module `manners`, for tests of this port: which manners it has, and what it has in use.
#include <stdlib.h>
#include <string.h>

#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "manners.h"

static const struct {
    const char *name;
    manners_t one;
} names[] = {
    { "connect-by-lwip", MANNERS_CONNECT_BY_LWIP },
    { "connect-is", MANNERS_CONNECT_IS },
    { "connect-zero", MANNERS_CONNECT_ZERO },
    { "empty-list", MANNERS_EMPTY_LIST },
    { "read-raises", MANNERS_READ_RAISES },
};

// Before main(): nobody changes it later.
static manners_t chosen = MANNERS_OLD ? MANNERS_CONNECT_BY_LWIP | MANNERS_EMPTY_LIST : 0;

static void __attribute__((constructor)) choose(void) {
    const char *wanted = getenv("MANNERS");
    if (wanted == NULL) {
        return;
    }
    chosen = 0;
    for (size_t i = 0; i < MP_ARRAY_SIZE(names); ++i) {
        if (strstr(wanted, names[i].name) != NULL) {
            chosen |= names[i].one;
        }
    }
}

bool manners_has(manners_t one) {
    return (chosen & one) != 0;
}

// manners.names(): those that are chosen.
static mp_obj_t manners_names(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < MP_ARRAY_SIZE(names); ++i) {
        if (manners_has(names[i].one)) {
            mp_obj_list_append(list, mp_obj_new_str(names[i].name, strlen(names[i].name)));
        }
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(manners_names_obj, manners_names);

// manners.mutexes(): how many were made and not given back.
static mp_obj_t manners_mutexes_made(void) {
    return MP_OBJ_NEW_SMALL_INT(__atomic_load_n(&manners_mutexes, __ATOMIC_RELAXED));
}
static MP_DEFINE_CONST_FUN_OBJ_0(manners_mutexes_obj, manners_mutexes_made);

// manners.sockets(): how many are open.
static mp_obj_t manners_sockets_open(void) {
    return MP_OBJ_NEW_SMALL_INT(manners_sockets);
}
static MP_DEFINE_CONST_FUN_OBJ_0(manners_sockets_obj, manners_sockets_open);

// manners.tries(): how often a socket was read or polled.
static mp_obj_t manners_sockets_tried(void) {
    return MP_OBJ_NEW_SMALL_INT(manners_tries);
}
static MP_DEFINE_CONST_FUN_OBJ_0(manners_tries_obj, manners_sockets_tried);

// manners.depth(function): calls it, on a painted stack: how many octets of it were used below the caller's frame.
static mp_obj_t __attribute__((noinline, no_sanitize("address"))) manners_depth(mp_obj_t function) {
    enum { PAINT = 0xA5, SPARED = 512 };
    // Numbers: to the compiler all this is outside of any object.
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t bottom = (uintptr_t)MP_STATE_THREAD(stack_top) - MP_STATE_THREAD(stack_limit);
    for (uintptr_t at = bottom; at < here - SPARED; ++at) {
        *(volatile byte *)at = PAINT;
    }
    mp_call_function_0(function);
    uintptr_t deepest = bottom;
    while (deepest < here && *(volatile byte *)deepest == PAINT) {
        ++deepest;
    }
    return MP_OBJ_NEW_SMALL_INT(here - deepest);
}
static MP_DEFINE_CONST_FUN_OBJ_1(manners_depth_obj, manners_depth);

// manners.mutex_answers(): what mp_thread_mutex_lock says without waiting, to the first and to the second who wants it.
static mp_obj_t manners_mutex_answers(void) {
    mp_thread_mutex_t mutex;
    mp_thread_mutex_init(&mutex);
    int first = mp_thread_mutex_lock(&mutex, 0);
    int second = mp_thread_mutex_lock(&mutex, 0);
    mp_thread_mutex_unlock(&mutex);
    mp_thread_mutex_del(&mutex);
    mp_obj_t answers[2] = { MP_OBJ_NEW_SMALL_INT(first), MP_OBJ_NEW_SMALL_INT(second) };
    return mp_obj_new_tuple(2, answers);
}
static MP_DEFINE_CONST_FUN_OBJ_0(manners_mutex_answers_obj, manners_mutex_answers);

// manners.wait(ms): waits for an event, as MicroPython's own code does in this port.
static mp_obj_t manners_wait(mp_obj_t ms) {
    #if MANNERS_OLD
    (void)ms;
    MICROPY_EVENT_POLL_HOOK
    #else
    mp_event_wait_ms((mp_uint_t)mp_obj_get_int(ms));
    #endif
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(manners_wait_obj, manners_wait);

// manners.ioctl(stream, request, argument): what the stream protocol's ioctl says, (result, errno); -1 for an error.
static mp_obj_t manners_ioctl(mp_obj_t stream, mp_obj_t request, mp_obj_t argument) {
    int errcode = 0;
    mp_uint_t result = mp_get_stream_raise(stream, MP_STREAM_OP_IOCTL)->ioctl(stream, (mp_uint_t)mp_obj_get_int(request),
        (uintptr_t)mp_obj_get_int(argument), &errcode);
    mp_obj_t said[2] = { mp_obj_new_int((mp_int_t)result), MP_OBJ_NEW_SMALL_INT(errcode) };
    return mp_obj_new_tuple(2, said);
}
static MP_DEFINE_CONST_FUN_OBJ_3(manners_ioctl_obj, manners_ioctl);

// manners.read(stream, len, errno): what the stream protocol's read says, with that errno set before: (octets, errno) or
// (None, errno).
static mp_obj_t manners_read(mp_obj_t stream, mp_obj_t len_in, mp_obj_t errno_in) {
    size_t len = (size_t)mp_obj_get_int(len_in);
    byte *octets = m_new(byte, len);
    int errcode = (int)mp_obj_get_int(errno_in);
    mp_uint_t got = mp_get_stream_raise(stream, MP_STREAM_OP_READ)->read(stream, octets, len, &errcode);
    mp_obj_t said[2] = { got == MP_STREAM_ERROR ? mp_const_none : mp_obj_new_bytes(octets, got), MP_OBJ_NEW_SMALL_INT(errcode) };
    return mp_obj_new_tuple(2, said);
}
static MP_DEFINE_CONST_FUN_OBJ_3(manners_read_obj, manners_read);

// manners.printed(): the beginning of the last text that was printed.
static mp_obj_t manners_printed_last(void) {
    return mp_obj_new_str(manners_printed, strlen(manners_printed));
}
static MP_DEFINE_CONST_FUN_OBJ_0(manners_printed_obj, manners_printed_last);

static const mp_rom_map_elem_t manners_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_manners) },
    { MP_ROM_QSTR(MP_QSTR_names), MP_ROM_PTR(&manners_names_obj) },
    { MP_ROM_QSTR(MP_QSTR_mutexes), MP_ROM_PTR(&manners_mutexes_obj) },
    { MP_ROM_QSTR(MP_QSTR_sockets), MP_ROM_PTR(&manners_sockets_obj) },
    { MP_ROM_QSTR(MP_QSTR_tries), MP_ROM_PTR(&manners_tries_obj) },
    { MP_ROM_QSTR(MP_QSTR_depth), MP_ROM_PTR(&manners_depth_obj) },
    { MP_ROM_QSTR(MP_QSTR_mutex_answers), MP_ROM_PTR(&manners_mutex_answers_obj) },
    { MP_ROM_QSTR(MP_QSTR_wait), MP_ROM_PTR(&manners_wait_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&manners_ioctl_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&manners_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_printed), MP_ROM_PTR(&manners_printed_obj) },
};
static MP_DEFINE_CONST_DICT(manners_globals, manners_globals_table);

const mp_obj_module_t manners_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&manners_globals,
};
// The call with two arguments comes last, as in cmodule/modumqtt.c.
#if MANNERS_OLD
MP_REGISTER_MODULE(MP_QSTR_manners, manners_module, 1);
#else
MP_REGISTER_MODULE(MP_QSTR_manners, manners_module);
#endif
