// Module `faults`: from now on the k-th allocation of this thread fails, or its k-th call of the system, or Ctrl-C comes there.
//
//     faults.allocation(k, goes_on)     of MicroPython's heap
//     faults.library(k, goes_on)        of the C library's, as Mbed TLS does it (calloc)
//     faults.call(k, errno, goes_on)    a call on a stream fails, and was not made (but for close: a closed descriptor stays so)
//     faults.crumbs(k)                  from the k-th read or write on, each moves a single octet
//     faults.interrupt(k)               Ctrl-C at the k-th allocation or call, as a signal
//     faults.late(k)                    from the k-th poll on, each comes back a second late, as to a thread that does not get its turn
//     faults.end()                      all works again for this thread; tells whether it came so far
//
// With goes_on, all that come after the k-th fail too. The linker puts the functions below in front of the real ones (--wrap),
// so neither MicroPython nor umqtt is changed.
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "py/gc.h"
#include "py/runtime.h"

typedef enum { NOTHING, ALLOCATION, LIBRARY, CALL, CRUMBS, INTERRUPT, LATE } fault_t;

static __thread struct {
    fault_t fault;
    mp_uint_t left; // until it strikes; 0: it has
    bool goes_on;
    bool struck;
    int error;
} armed;

static bool strikes(fault_t fault) {
    if (armed.fault != fault) {
        return false;
    }
    if (armed.left > 1) {
        --armed.left;
        return false;
    }
    bool now = armed.left == 1 || armed.goes_on;
    armed.left = 0;
    armed.struck |= now;
    return now;
}

// A descriptor that MicroPython's socket() has opened, and loses if there is no memory for its object. It is closed here, so
// that what is lost all the same is lost by umqtt.
static __thread int without_object = -1;

static bool allocation_fails(void) {
    int fd = without_object;
    without_object = -1;
    if (!strikes(ALLOCATION)) {
        return false;
    }
    if (fd >= 0) {
        close(fd);
    }
    return true;
}

static void maybe_interrupt(void) {
    if (strikes(INTERRUPT)) {
        raise(SIGINT);
    }
}

// Allocations

void *__real_gc_alloc(size_t n_bytes, unsigned int alloc_flags);
void *__real_gc_realloc(void *ptr, size_t n_bytes, bool allow_move);

void *__wrap_gc_alloc(size_t n_bytes, unsigned int alloc_flags) {
    maybe_interrupt();
    return n_bytes > 0 && allocation_fails() ? NULL : __real_gc_alloc(n_bytes, alloc_flags);
}

void *__wrap_gc_realloc(void *ptr, size_t n_bytes, bool allow_move) {
    maybe_interrupt();
    bool grows = n_bytes > (ptr == NULL ? 0 : gc_nbytes(ptr));
    return grows && allocation_fails() ? NULL : __real_gc_realloc(ptr, n_bytes, allow_move);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// The C library's own, which shared libraries find here first. The sanitizers have one of theirs in its place.
void *__libc_calloc(size_t count, size_t size);

void *calloc(size_t count, size_t size) {
    return strikes(LIBRARY) ? NULL : __libc_calloc(count, size);
}
#endif

#ifdef __SANITIZE_THREAD__
// It asks the other threads for their stacks with a signal, which the sanitizer holds back while a thread waits for a mutex.
void __wrap_gc_collect(void) {
}
#endif

// Calls of the system

static bool call_fails(void) {
    maybe_interrupt();
    if (!strikes(CALL)) {
        return false;
    }
    errno = armed.error;
    return true;
}

static size_t crumb_of(size_t len) {
    return len > 1 && strikes(CRUMBS) ? 1 : len;
}

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found);
int __real_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __real_fcntl(int fd, int command, ...);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __real_writev(int fd, const struct iovec *pieces, int count);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_shutdown(int fd, int how);
int __real_close(int fd);

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    return call_fails() ? EAI_AGAIN : __real_getaddrinfo(node, service, hints, found);
}

int __wrap_socket(int domain, int type, int protocol) {
    without_object = call_fails() ? -1 : __real_socket(domain, type, protocol);
    return without_object;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len) {
    return call_fails() ? -1 : __real_connect(fd, address, len);
}

int __wrap_fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return call_fails() ? -1 : __real_fcntl(fd, command, argument);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
    return call_fails() ? -1 : __real_setsockopt(fd, level, name, value, len);
}

ssize_t __wrap_read(int fd, void *data, size_t len) {
    return call_fails() ? -1 : __real_read(fd, data, crumb_of(len));
}

ssize_t __wrap_write(int fd, const void *data, size_t len) {
    return call_fails() ? -1 : __real_write(fd, data, crumb_of(len));
}

ssize_t __wrap_writev(int fd, const struct iovec *pieces, int count) {
    if (call_fails()) {
        return -1;
    }
    if (pieces[0].iov_len > 0 && strikes(CRUMBS)) {
        return __real_write(fd, pieces[0].iov_base, 1);
    }
    return __real_writev(fd, pieces, count);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout) {
    // It cannot fail again and again: who sleeps would never sleep.
    bool goes_on = armed.goes_on && armed.left == 0;
    bool fails = !goes_on && call_fails();
    int result = fails ? -1 : __real_poll(fds, count, timeout);
    if (strikes(LATE)) {
        sleep(1);
    }
    return result;
}

int __wrap_shutdown(int fd, int how) {
    int result = __real_shutdown(fd, how);
    return call_fails() ? -1 : result;
}

int __wrap_close(int fd) {
    int result = __real_close(fd);
    return call_fails() ? -1 : result;
}

// The module

static mp_obj_t arm(fault_t fault, mp_obj_t k, int error, bool goes_on) {
    armed.left = mp_obj_get_int(k);
    armed.error = error;
    armed.goes_on = goes_on;
    armed.struck = false;
    armed.fault = fault;
    return mp_const_none;
}

static mp_obj_t faults_allocation(mp_obj_t k, mp_obj_t goes_on) {
    return arm(ALLOCATION, k, 0, mp_obj_is_true(goes_on));
}
static MP_DEFINE_CONST_FUN_OBJ_2(faults_allocation_obj, faults_allocation);

static mp_obj_t faults_library(mp_obj_t k, mp_obj_t goes_on) {
    return arm(LIBRARY, k, 0, mp_obj_is_true(goes_on));
}
static MP_DEFINE_CONST_FUN_OBJ_2(faults_library_obj, faults_library);

static mp_obj_t faults_call(mp_obj_t k, mp_obj_t error, mp_obj_t goes_on) {
    return arm(CALL, k, mp_obj_get_int(error), mp_obj_is_true(goes_on));
}
static MP_DEFINE_CONST_FUN_OBJ_3(faults_call_obj, faults_call);

static mp_obj_t faults_crumbs(mp_obj_t k) {
    return arm(CRUMBS, k, 0, true);
}
static MP_DEFINE_CONST_FUN_OBJ_1(faults_crumbs_obj, faults_crumbs);

static mp_obj_t faults_interrupt(mp_obj_t k) {
    return arm(INTERRUPT, k, 0, false);
}
static MP_DEFINE_CONST_FUN_OBJ_1(faults_interrupt_obj, faults_interrupt);

static mp_obj_t faults_late(mp_obj_t k) {
    return arm(LATE, k, 0, true);
}
static MP_DEFINE_CONST_FUN_OBJ_1(faults_late_obj, faults_late);

static mp_obj_t faults_end(void) {
    armed.fault = NOTHING;
    return mp_obj_new_bool(armed.struck);
}
static MP_DEFINE_CONST_FUN_OBJ_0(faults_end_obj, faults_end);

static const mp_rom_map_elem_t faults_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_faults) },
    { MP_ROM_QSTR(MP_QSTR_allocation), MP_ROM_PTR(&faults_allocation_obj) },
    { MP_ROM_QSTR(MP_QSTR_library), MP_ROM_PTR(&faults_library_obj) },
    { MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&faults_call_obj) },
    { MP_ROM_QSTR(MP_QSTR_crumbs), MP_ROM_PTR(&faults_crumbs_obj) },
    { MP_ROM_QSTR(MP_QSTR_interrupt), MP_ROM_PTR(&faults_interrupt_obj) },
    { MP_ROM_QSTR(MP_QSTR_late), MP_ROM_PTR(&faults_late_obj) },
    { MP_ROM_QSTR(MP_QSTR_end), MP_ROM_PTR(&faults_end_obj) },
};
static MP_DEFINE_CONST_DICT(faults_globals, faults_globals_table);

const mp_obj_module_t faults_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&faults_globals,
};
MP_REGISTER_MODULE(MP_QSTR_faults, faults_module);
