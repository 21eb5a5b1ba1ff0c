// Module usocket over lwIP's sockets, with the manners of the vendor's: README.md has them in a table. Only what clients use:
// no bind, listen, accept, sendto or recvfrom, and IPv4.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/sockets.h"
#include "lwip/priv/sockets_priv.h"
#include "lwip/api.h"
#include "lwip/tcp.h"

#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "manners.h"
#include "wire.h"

enum { POLL_MS = 100, ADDRESSES_MOST = 8, OPTION_EVENTS = 20, EAI_UNKNOWN_NAME = 200, ERROR_IN_PROGRESS = 115 };

int manners_sockets;
unsigned manners_tries;

// For settimeout(None).
#define FOR_EVER UINT_MAX

typedef enum { SOCKET_NEW, SOCKET_CONNECTED, SOCKET_PEER_CLOSED } socket_state_t;

typedef struct _socket_obj_t {
    mp_obj_base_t base;
    int fd;
    uint8_t type;
    uint8_t state;
    // How often it tries for POLL_MS each, and looks for what is pending in between.
    unsigned retries;
} socket_obj_t;

extern const mp_obj_type_t manners_socket_type;

static void set_timeout(socket_obj_t *self, unsigned ms) {
    self->retries = ms == FOR_EVER ? UINT_MAX : ms / POLL_MS;
    struct timeval each = { .tv_sec = 0, .tv_usec = ms == 0 ? 0 : POLL_MS * 1000 };
    lwip_setsockopt(self->fd, SOL_SOCKET, SO_SNDTIMEO, &each, sizeof(each));
    lwip_setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &each, sizeof(each));
    lwip_fcntl(self->fd, F_SETFL, ms == 0 ? O_NONBLOCK : 0);
}

static mp_obj_t socket_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 3, false);
    socket_obj_t *self = m_malloc_with_finaliser(sizeof(*self));
    self->base.type = type;
    self->fd = -1;
    self->type = n_args > 1 ? (uint8_t)mp_obj_get_int(args[1]) : SOCK_STREAM;
    self->state = self->type == SOCK_STREAM ? SOCKET_NEW : SOCKET_CONNECTED;
    self->fd = lwip_socket(n_args > 0 ? mp_obj_get_int(args[0]) : AF_INET, self->type, n_args > 2 ? mp_obj_get_int(args[2]) : 0);
    if (self->fd < 0) {
        mp_raise_OSError(errno);
    }
    ++manners_sockets;
    set_timeout(self, FOR_EVER);
    return MP_OBJ_FROM_PTR(self);
}

// The addresses of a name. May raise.
static int look_up(mp_obj_t host, wire_address_t *addresses) {
    const char *name = mp_obj_str_get_str(host);
    MP_THREAD_GIL_EXIT();
    int found = wire_look_up(*name == 0 ? "0.0.0.0" : name, addresses, ADDRESSES_MOST);
    MP_THREAD_GIL_ENTER();
    if (found == 0 && !manners_has(MANNERS_EMPTY_LIST)) {
        mp_raise_OSError(-EAI_UNKNOWN_NAME);
    }
    return found;
}

static void resolve(mp_obj_t address, struct sockaddr_in *resolved) {
    mp_obj_t *parts;
    mp_obj_get_array_fixed_n(address, 2, &parts);
    wire_address_t addresses[ADDRESSES_MOST];
    if (look_up(parts[0], addresses) == 0) {
        mp_raise_OSError(-2);
    }
    *resolved = (struct sockaddr_in) { .sin_len = sizeof(*resolved), .sin_family = AF_INET };
    resolved->sin_port = lwip_htons((uint16_t)mp_obj_get_int(parts[1]));
    inet_aton(addresses[0].text, &resolved->sin_addr);
}

static mp_obj_t socket_connect(mp_obj_t self_in, mp_obj_t address) {
    socket_obj_t *self = MP_OBJ_TO_PTR(self_in);
    // Marked before it is tried: whatever became of the first try, each further one is answered so.
    if (self->state != SOCKET_NEW && self->type == SOCK_STREAM && !manners_has(MANNERS_CONNECT_BY_LWIP)) {
        mp_raise_OSError(manners_has(MANNERS_CONNECT_IS) ? EISCONN : EALREADY);
    }
    self->state = SOCKET_CONNECTED;
    struct sockaddr_in resolved;
    resolve(address, &resolved);
    MP_THREAD_GIL_EXIT();
    int result = lwip_connect(self->fd, (struct sockaddr *)&resolved, sizeof(resolved));
    int error = errno;
    MP_THREAD_GIL_ENTER();
    if (result != 0) {
        mp_raise_OSError(manners_has(MANNERS_CONNECT_ZERO) ? 0 : error);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_connect_obj, socket_connect);

static mp_obj_t socket_setsockopt(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    socket_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    // The level is not looked at.
    mp_int_t option = mp_obj_get_int(args[2]);
    if (option == SO_REUSEADDR) {
        int value = (int)mp_obj_get_int(args[3]);
        if (lwip_setsockopt(self->fd, SOL_SOCKET, (int)option, &value, sizeof(value)) != 0) {
            mp_raise_OSError(errno);
        }
    } else if (option == TCP_KEEPALIVE) {
        int on = 1, idle_s = (int)mp_obj_get_int(args[3]) * 60;
        lwip_setsockopt(self->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        lwip_setsockopt(self->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    } else if (option != OPTION_EVENTS) {
        mp_printf(&mp_plat_print, "Warning: lwip.setsockopt() option not implemented\n");
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(socket_setsockopt_obj, 4, 4, socket_setsockopt);

static mp_obj_t socket_settimeout(mp_obj_t self_in, mp_obj_t seconds) {
    unsigned ms = seconds == mp_const_none ? FOR_EVER : (unsigned)(mp_obj_get_float(seconds) * 1000);
    set_timeout(MP_OBJ_TO_PTR(self_in), ms);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_settimeout_obj, socket_settimeout);

static mp_obj_t socket_setblocking(mp_obj_t self_in, mp_obj_t blocks) {
    set_timeout(MP_OBJ_TO_PTR(self_in), mp_obj_is_true(blocks) ? FOR_EVER : 0);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_setblocking_obj, socket_setblocking);

// The state of its TCP connection, in lwIP's numbers.
static int tcp_state(socket_obj_t *self) {
    struct lwip_sock *sock = lwip_socket_dbg_get_socket(self->fd);
    struct tcp_pcb *pcb = sock == NULL || sock->conn == NULL ? NULL : sock->conn->pcb.tcp;
    return pcb == NULL ? CLOSED : (int)pcb->state;
}

static mp_obj_t socket_getsocketsta(mp_obj_t self_in) {
    return MP_OBJ_NEW_SMALL_INT(tcp_state(MP_OBJ_TO_PTR(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(socket_getsocketsta_obj, socket_getsocketsta);

static mp_uint_t socket_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    socket_obj_t *self = MP_OBJ_TO_PTR(self_in);
    ++manners_tries;
    if (self->state == SOCKET_PEER_CLOSED) {
        #if MANNERS_OLD
        return MP_STREAM_ERROR; // and *errcode is left as it was
        #else
        return 0;
        #endif
    }
    if (!MANNERS_OLD && self->state == SOCKET_NEW) {
        *errcode = MP_ENOTCONN;
        return MP_STREAM_ERROR;
    }
    for (unsigned i = 0; i <= self->retries; ++i) {
        MP_THREAD_GIL_EXIT();
        errno = 0;
        ssize_t len = lwip_recvfrom(self->fd, buf, size, 0, NULL, NULL);
        int error = errno;
        MP_THREAD_GIL_ENTER();
        if (len == 0) {
            self->state = SOCKET_PEER_CLOSED;
            if (error == ENOTCONN) {
                *errcode = MP_ENOTCONN; // the other side's FIN
                return MP_STREAM_ERROR;
            }
        }
        if (len >= 0) {
            return (mp_uint_t)len;
        }
        if (manners_has(MANNERS_READ_RAISES) && error == EWOULDBLOCK && tcp_state(self) < ESTABLISHED) {
            mp_raise_OSError(ERROR_IN_PROGRESS);
        }
        if (error != EWOULDBLOCK) {
            *errcode = error;
            return MP_STREAM_ERROR;
        }
        mp_handle_pending(true);
        if (i == UINT_MAX) {
            break;
        }
    }
    *errcode = self->retries == 0 ? MP_EWOULDBLOCK : MP_ETIMEDOUT;
    return MP_STREAM_ERROR;
}

static mp_uint_t socket_write(mp_obj_t self_in, const void *buf, mp_uint_t size, int *errcode) {
    socket_obj_t *self = MP_OBJ_TO_PTR(self_in);
    for (unsigned i = 0; i <= self->retries; ++i) {
        MP_THREAD_GIL_EXIT();
        ssize_t len = lwip_write(self->fd, buf, size);
        int error = errno;
        MP_THREAD_GIL_ENTER();
        if (len > 0) {
            return (mp_uint_t)len;
        }
        // In the later tree EINPROGRESS is lwIP's answer to who writes right after connecting.
        if (len < 0 && error != EWOULDBLOCK && (MANNERS_OLD || error != EINPROGRESS)) {
            *errcode = error;
            return MP_STREAM_ERROR;
        }
        mp_handle_pending(true);
        if (i == UINT_MAX) {
            break;
        }
    }
    *errcode = self->retries == 0 ? MP_EWOULDBLOCK : MP_ETIMEDOUT;
    return MP_STREAM_ERROR;
}

static mp_uint_t poll(socket_obj_t *self, mp_uint_t wanted, int *errcode) {
    if (!MANNERS_OLD && self->fd < 0) {
        return MP_STREAM_POLL_NVAL;
    }
    fd_set readable, writable, failed;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_ZERO(&failed);
    if (wanted & MP_STREAM_POLL_RD) {
        FD_SET(self->fd, &readable);
    }
    if (wanted & MP_STREAM_POLL_WR) {
        FD_SET(self->fd, &writable);
    }
    if (wanted & MP_STREAM_POLL_HUP) {
        FD_SET(self->fd, &failed);
    }
    struct timeval none = { 0 };
    if (lwip_select(self->fd + 1, &readable, &writable, &failed, &none) < 0) {
        *errcode = MP_EIO;
        return MP_STREAM_ERROR;
    }
    mp_uint_t found = (FD_ISSET(self->fd, &readable) ? MP_STREAM_POLL_RD : 0) |
        (FD_ISSET(self->fd, &writable) ? MP_STREAM_POLL_WR : 0) | (FD_ISSET(self->fd, &failed) ? MP_STREAM_POLL_HUP : 0);
    if (!MANNERS_OLD && self->state == SOCKET_NEW) {
        found |= (wanted & MP_STREAM_POLL_WR) | MP_STREAM_POLL_HUP;
    }
    return found;
}

static mp_uint_t socket_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t argument, int *errcode) {
    socket_obj_t *self = MP_OBJ_TO_PTR(self_in);
    ++manners_tries;
    if (request == MP_STREAM_POLL) {
        return poll(self, argument, errcode);
    }
    if (request == MP_STREAM_CLOSE) {
        if (self->fd >= 0) {
            if (lwip_close(self->fd) != 0) {
                *errcode = errno;
                return MP_STREAM_ERROR;
            }
            self->fd = -1;
            --manners_sockets;
        }
        return 0;
    }
    // No descriptor to sleep on: MP_STREAM_GET_FILENO among others.
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

static mp_obj_t socket_recv(mp_obj_t self_in, mp_obj_t len_in) {
    size_t len = (size_t)mp_obj_get_int(len_in);
    byte *octets = m_new(byte, len);
    int errcode = 0;
    mp_uint_t got = socket_read(self_in, octets, len, &errcode);
    if (got == MP_STREAM_ERROR) {
        mp_raise_OSError(errcode);
    }
    return mp_obj_new_bytes(octets, got);
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_recv_obj, socket_recv);

static mp_obj_t socket_send(mp_obj_t self_in, mp_obj_t octets) {
    mp_buffer_info_t given;
    mp_get_buffer_raise(octets, &given, MP_BUFFER_READ);
    int errcode = 0;
    mp_uint_t sent = socket_write(self_in, given.buf, given.len, &errcode);
    if (sent == MP_STREAM_ERROR) {
        mp_raise_OSError(errcode);
    }
    return mp_obj_new_int_from_uint(sent);
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_send_obj, socket_send);

static mp_obj_t socket_fileno(mp_obj_t self_in) {
    socket_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(self->fd); // lwIP's number, not the machine's
}
static MP_DEFINE_CONST_FUN_OBJ_1(socket_fileno_obj, socket_fileno);

static const mp_rom_map_elem_t socket_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&mp_stream_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_connect), MP_ROM_PTR(&socket_connect_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&socket_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_recv), MP_ROM_PTR(&socket_recv_obj) },
    { MP_ROM_QSTR(MP_QSTR_setsockopt), MP_ROM_PTR(&socket_setsockopt_obj) },
    { MP_ROM_QSTR(MP_QSTR_settimeout), MP_ROM_PTR(&socket_settimeout_obj) },
    { MP_ROM_QSTR(MP_QSTR_setblocking), MP_ROM_PTR(&socket_setblocking_obj) },
    { MP_ROM_QSTR(MP_QSTR_fileno), MP_ROM_PTR(&socket_fileno_obj) },
    { MP_ROM_QSTR(MP_QSTR_getsocketsta), MP_ROM_PTR(&socket_getsocketsta_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
};
static MP_DEFINE_CONST_DICT(socket_locals, socket_locals_table);

static const mp_stream_p_t socket_stream = { .read = socket_read, .write = socket_write, .ioctl = socket_ioctl };

#if MANNERS_OLD
const mp_obj_type_t manners_socket_type = {
    { &mp_type_type },
    .name = MP_QSTR_socket,
    .make_new = socket_make_new,
    .protocol = &socket_stream,
    .locals_dict = (mp_obj_dict_t *)&socket_locals,
};
#else
MP_DEFINE_CONST_OBJ_TYPE(manners_socket_type, MP_QSTR_socket, MP_TYPE_FLAG_NONE, make_new, socket_make_new,
    protocol, &socket_stream, locals_dict, &socket_locals);
#endif

static mp_obj_t usocket_getaddrinfo(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    wire_address_t addresses[ADDRESSES_MOST];
    int found = look_up(args[0], addresses);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (int i = 0; i < found; ++i) {
        const char *text = addresses[i].text;
        mp_obj_t address[2] = { mp_obj_new_str(text, strlen(text)), args[1] };
        mp_obj_t item[5] = {
            MP_OBJ_NEW_SMALL_INT(AF_INET), MP_OBJ_NEW_SMALL_INT(SOCK_STREAM), MP_OBJ_NEW_SMALL_INT(IPPROTO_TCP), args[0],
            mp_obj_new_tuple(2, address),
        };
        mp_obj_list_append(list, mp_obj_new_tuple(5, item));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(usocket_getaddrinfo_obj, 2, 6, usocket_getaddrinfo);

static const mp_rom_map_elem_t usocket_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_usocket) },
    { MP_ROM_QSTR(MP_QSTR_socket), MP_ROM_PTR(&manners_socket_type) },
    { MP_ROM_QSTR(MP_QSTR_getaddrinfo), MP_ROM_PTR(&usocket_getaddrinfo_obj) },
    { MP_ROM_QSTR(MP_QSTR_AF_INET), MP_ROM_INT(AF_INET) },
    { MP_ROM_QSTR(MP_QSTR_AF_INET6), MP_ROM_INT(AF_INET6) },
    { MP_ROM_QSTR(MP_QSTR_SOCK_STREAM), MP_ROM_INT(SOCK_STREAM) },
    { MP_ROM_QSTR(MP_QSTR_SOCK_DGRAM), MP_ROM_INT(SOCK_DGRAM) },
    { MP_ROM_QSTR(MP_QSTR_SOCK_RAW), MP_ROM_INT(SOCK_RAW) },
    { MP_ROM_QSTR(MP_QSTR_IPPROTO_TCP), MP_ROM_INT(IPPROTO_TCP) },
    { MP_ROM_QSTR(MP_QSTR_IPPROTO_UDP), MP_ROM_INT(IPPROTO_UDP) },
    { MP_ROM_QSTR(MP_QSTR_IPPROTO_IP), MP_ROM_INT(IPPROTO_IP) },
    { MP_ROM_QSTR(MP_QSTR_SOL_SOCKET), MP_ROM_INT(SOL_SOCKET) },
    { MP_ROM_QSTR(MP_QSTR_SO_REUSEADDR), MP_ROM_INT(SO_REUSEADDR) },
    { MP_ROM_QSTR(MP_QSTR_TCP_KEEPALIVE), MP_ROM_INT(TCP_KEEPALIVE) },
};
static MP_DEFINE_CONST_DICT(usocket_globals, usocket_globals_table);

const mp_obj_module_t manners_usocket_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&usocket_globals,
};
// The call with two arguments comes last, as in cmodule/modumqtt.c.
#if MANNERS_OLD
MP_REGISTER_MODULE(MP_QSTR_usocket, manners_usocket_module, 1);
#else
MP_REGISTER_MODULE(MP_QSTR_usocket, manners_usocket_module);
#endif
