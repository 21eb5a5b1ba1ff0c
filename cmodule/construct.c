// MQTTClient(...): makes a client out of its arguments, each of which is checked; and the checks that its methods share.
#include "mqttclient.h"

#if UMQTT_UNIX
#include <unistd.h>
#endif

#define DEFAULT_PORT (1883)
#define DEFAULT_PORT_TLS (8883)
#define DEFAULT_KEEP_ALIVE_S (60)

UMQTT_NORETURN void mqttclient_raise_no_buffer(void) {
    mp_raise_TypeError(MP_ERROR_TEXT("object with buffer protocol required"));
}

// The octets of a str or bytes-like object. May raise TypeError.
umqtt_octets_t mqttclient_octets_of(mp_obj_t obj) {
    umqtt_octets_t octets;
    if (!mqttclient_octets(obj, &octets)) {
        mqttclient_raise_no_buffer();
    }
    return octets;
}

// Checks an argument that becomes a UTF-8 string. May raise.
static void check_string(mp_obj_t obj) {
    umqtt_octets_t octets = mqttclient_octets_of(obj);
    mqttclient_check(umqtt_check(octets.data, octets.len, false));
}

// Checks an argument that becomes binary data with its length in front. May raise.
void mqttclient_check_field(mp_obj_t obj) {
    if (mqttclient_octets_of(obj).len > UINT16_MAX) {
        mqttclient_raise(UMQTT_FIELD_TOO_LONG, 0);
    }
}

// What is kept for a later CONNECT must not change until then: a copy of what could; MP_OBJ_NULL for None. May raise.
mp_obj_t mqttclient_unchanging(mp_obj_t obj) {
    if (obj == mp_const_none) {
        return MP_OBJ_NULL;
    }
    if (mp_obj_is_str_or_bytes(obj)) {
        return obj;
    }
    umqtt_octets_t octets = mqttclient_octets_of(obj);
    return mp_obj_new_bytes(octets.data, octets.len);
}

// A whole number from 0 to 65535, given as one. -1 for anything else; other_type tells if it was no number at all.
static int32_t small_number_of(mp_obj_t obj, bool *other_type) {
    if (mp_obj_is_bool(obj)) {
        obj = MP_OBJ_NEW_SMALL_INT(mp_obj_is_true(obj));
    }
    *other_type = !mp_obj_is_int(obj);
    mp_int_t number = mp_obj_is_small_int(obj) ? MP_OBJ_SMALL_INT_VALUE(obj) : -1;
    return number < 0 || number > UINT16_MAX ? -1 : (int32_t)number;
}

// May raise ValueError.
uint8_t mqttclient_qos(mp_obj_t obj) {
    bool other_type;
    int32_t qos = small_number_of(obj, &other_type);
    if (qos < 0 || qos > 2) {
        mp_raise_ValueError(MP_ERROR_TEXT("qos must be 0, 1 or 2"));
    }
    return (uint8_t)qos;
}

// The guide's own script gives the port as a str.
static uint16_t port_of(mp_obj_t obj) {
    int32_t port = -1;
    if (mp_obj_is_str(obj)) {
        size_t len;
        const char *digits = mp_obj_str_get_data(obj, &len);
        port = len == 0 ? -1 : 0;
        for (size_t i = 0; i < len && port >= 0; ++i) {
            bool is_digit = digits[i] >= '0' && digits[i] <= '9';
            port = is_digit ? port * 10 + (digits[i] - '0') : -1;
            port = port > UINT16_MAX ? -1 : port;
        }
    } else {
        bool other_type;
        port = small_number_of(obj, &other_type);
    }
    if (port < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("port must be 0 to 65535"));
    }
    return (uint16_t)port;
}

// 0 is the guide's default, None is off.
static uint16_t keep_alive_of(mp_obj_t obj) {
    if (obj == mp_const_none) {
        return 0;
    }
    bool other_type;
    int32_t keep_alive_s = small_number_of(obj, &other_type);
    if (other_type) {
        mp_raise_TypeError(MP_ERROR_TEXT("keepalive must be an int or None"));
    }
    if (keep_alive_s < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("keepalive must be 0 to 65535"));
    }
    return keep_alive_s == 0 ? DEFAULT_KEEP_ALIVE_S : (uint16_t)keep_alive_s;
}

// True, False or the SSLContext that was given. May raise.
static mp_obj_t ssl_of(mp_obj_t obj) {
    if (obj == mp_const_none) {
        return mp_const_false;
    }
    if (mp_obj_is_bool(obj) || mp_obj_is_int(obj)) {
        return mp_obj_new_bool(mp_obj_is_true(obj));
    }
    if (!mqttclient_is_ssl_context(obj)) {
        mp_raise_TypeError(MP_ERROR_TEXT("ssl must be a bool or an SSLContext"));
    }
    return obj;
}

// Checks user name and password. May raise.
void mqttclient_check_credentials(mp_obj_t user, mp_obj_t password) {
    if (user != mp_const_none) {
        check_string(user);
    }
    if (password != mp_const_none) {
        mqttclient_check_field(password);
        if (user == mp_const_none) {
            mp_raise_ValueError(MP_ERROR_TEXT("password without user"));
        }
    }
}

#if UMQTT_CHECKS_STACK
// What a method takes of the stack, TLS not counted: a packet that is put together for one write, and the frames above it. The tests in
// micropython/manners paint a stack and measure it.
#define STACK_NEEDED (UMQTT_WINDOW + 256 * sizeof(void *))

static __attribute__((noinline)) void check_stack(void) {
    umqtt_port_check_stack(STACK_NEEDED);
}
#endif

// The client that a method was called on. What else can come: an instance of a subclass whose __init__ has not called this one's, and
// the client that `reconn` brought into a subclass, which is Python's. May raise TypeError.
mqttclient_obj_t *mqttclient_self(mp_obj_t self_in) {
    #if UMQTT_CHECKS_STACK
    check_stack();
    #endif
    if (!mp_obj_is_type(self_in, &mp_type_umqtt_MQTTClient)) {
        mp_raise_TypeError(MP_ERROR_TEXT("__init__ was not called, or reconn in a subclass: derive from umqtt.reconnect.MQTTClient"));
    }
    return MP_OBJ_TO_PTR(self_in);
}

// A Packet Identifier to begin after: not the same after each reset, since a Server that kept a session knows those of before. The
// microsecond at which a script comes here is chance enough, and every port has it.
static uint16_t some_identifier(void) {
    return (uint16_t)((uint32_t)mp_hal_ticks_us() * 0x9E3779B1 >> 16);
}

#if UMQTT_UNIX && MICROPY_ENABLE_FINALISER
// What this port's socket begins with.
typedef struct _unix_socket_t {
    mp_obj_base_t base;
    int fd;
} unix_socket_t;

// A client that nobody has any more does not keep its connection: this port's sockets do not close themselves, while TLS does. Runs
// while the heap is being swept: the socket may be swept already, but nothing else is there yet. A script that still has it, from
// socket(), finds it closed, and does not close what gets this descriptor next.
static mp_obj_t mqttclient_del(mp_obj_t self_in) {
    mqttclient_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->fd >= 0 && self->stream == self->sock) {
        unix_socket_t *sock = MP_OBJ_TO_PTR(self->sock);
        if (sock->fd == self->fd) {
            sock->fd = -1;
        }
        close(self->fd);
        self->fd = -1;
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(mqttclient_del_obj, mqttclient_del);
#endif

mp_obj_t mqttclient_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_client_id, ARG_server, ARG_port, ARG_user, ARG_password, ARG_keepalive, ARG_ssl, ARG_ssl_params };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_client_id, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_server, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_port, MP_ARG_OBJ, { .u_obj = MP_OBJ_NEW_SMALL_INT(0) } },
        { MP_QSTR_user, MP_ARG_OBJ, { .u_obj = mp_const_none } },
        { MP_QSTR_password, MP_ARG_OBJ, { .u_obj = mp_const_none } },
        { MP_QSTR_keepalive, MP_ARG_OBJ, { .u_obj = MP_OBJ_NEW_SMALL_INT(0) } },
        { MP_QSTR_ssl, MP_ARG_OBJ, { .u_obj = mp_const_false } },
        { MP_QSTR_ssl_params, MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        #if UMQTT_EXTRAS
        { MP_QSTR_reconn, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_false } },
        #endif
    };
    #if UMQTT_EXTRAS
    if (mqttclient_wants_reconnect(n_args, n_kw, all_args)) {
        return mqttclient_new_reconnecting(n_args, n_kw, all_args);
    }
    #endif
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    mp_obj_t server = args[ARG_server].u_obj;
    if (!mp_obj_is_str(server)) {
        mp_raise_TypeError(MP_ERROR_TEXT("server must be a str"));
    }
    if (mp_obj_len(server) == MP_OBJ_NEW_SMALL_INT(0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("server is empty"));
    }
    check_string(args[ARG_client_id].u_obj);
    mp_obj_t user = args[ARG_user].u_obj;
    mp_obj_t password = args[ARG_password].u_obj;
    mqttclient_check_credentials(user, password);

    mqttclient_obj_t *self = umqtt_port_new_with_finaliser(sizeof(*self));
    // Zeroed, so that all that is not set here is empty.
    memset(self, 0, sizeof(*self));
    self->base.type = type;
    #if UMQTT_UNIX
    self->fd = -1;
    #endif
    self->field[UMQTT_CLIENT_ID] = mqttclient_unchanging(args[ARG_client_id].u_obj);
    self->server = server;
    self->field[UMQTT_USER] = mqttclient_unchanging(user);
    self->field[UMQTT_PASSWORD] = mqttclient_unchanging(password);
    self->ssl = ssl_of(args[ARG_ssl].u_obj);
    self->ssl_params = mqttclient_ssl_params(args[ARG_ssl_params].u_obj);
    self->port = port_of(args[ARG_port].u_obj);
    if (self->port == 0) {
        self->port = self->ssl == mp_const_false ? DEFAULT_PORT : DEFAULT_PORT_TLS;
    }
    self->keep_alive_s = keep_alive_of(args[ARG_keepalive].u_obj);
    self->callback = mp_const_none;
    self->lost_errno = MP_ENOTCONN;
    #if UMQTT_THREADS
    mqttclient_init_mutex(self);
    #endif
    umqtt_init(&self->state, some_identifier());
    return MP_OBJ_FROM_PTR(self);
}
