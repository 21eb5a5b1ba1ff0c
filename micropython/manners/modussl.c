// Module ussl over Mbed TLS, with the manners of the vendor's: wrap_socket() without verification, unless it is given `ca`, and
// errnos of both signs.
#include <string.h>

#include "py/mphal.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "py/stream.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

typedef struct _ssl_obj_t {
    mp_obj_base_t base;
    mp_obj_t sock;
    bool is_open;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_x509_crt authority;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
} ssl_obj_t;

extern const mp_obj_type_t manners_ssl_type;

// An errno, negative as Mbed TLS has its errors, and positive again in the exception.
static void raise_error(int error) {
    mp_raise_OSError(error < 0 && error > -256 ? -error : error);
}

static int send_octets(void *sock, const unsigned char *octets, size_t len) {
    int errcode = 0;
    mp_uint_t sent = mp_get_stream(*(mp_obj_t *)sock)->write(*(mp_obj_t *)sock, octets, len, &errcode);
    if (sent != MP_STREAM_ERROR) {
        return (int)sent;
    }
    return mp_is_nonblocking_error(errcode) ? MBEDTLS_ERR_SSL_WANT_WRITE : -errcode;
}

static int receive_octets(void *sock, unsigned char *octets, size_t len) {
    int errcode = 0;
    mp_uint_t got = mp_get_stream(*(mp_obj_t *)sock)->read(*(mp_obj_t *)sock, octets, len, &errcode);
    if (got != MP_STREAM_ERROR) {
        return (int)got;
    }
    return mp_is_nonblocking_error(errcode) ? MBEDTLS_ERR_SSL_WANT_READ : -errcode;
}

static void free_all(ssl_obj_t *self) {
    if (self->is_open) {
        self->is_open = false;
        mbedtls_pk_free(&self->key);
        mbedtls_x509_crt_free(&self->certificate);
        mbedtls_x509_crt_free(&self->authority);
        mbedtls_ssl_free(&self->ssl);
        mbedtls_ssl_config_free(&self->config);
        mbedtls_ctr_drbg_free(&self->random);
        mbedtls_entropy_free(&self->entropy);
    }
}

// PEM wants the NUL that ends it here.
static int parse_certificate(mbedtls_x509_crt *into, mp_obj_t given) {
    size_t len;
    const byte *octets = (const byte *)mp_obj_str_get_data(given, &len);
    return mbedtls_x509_crt_parse(into, octets, len + 1) == 0 ? 0 : MBEDTLS_ERR_X509_BAD_INPUT_DATA;
}

static int parse_key(ssl_obj_t *self, mp_obj_t given) {
    size_t len;
    const byte *octets = (const byte *)mp_obj_str_get_data(given, &len);
    #if MBEDTLS_VERSION_NUMBER >= 0x03000000
    int error = mbedtls_pk_parse_key(&self->key, octets, len + 1, NULL, 0, mbedtls_ctr_drbg_random, &self->random);
    #else
    int error = mbedtls_pk_parse_key(&self->key, octets, len + 1, NULL, 0);
    #endif
    return error == 0 ? 0 : MBEDTLS_ERR_PK_BAD_INPUT_DATA;
}

enum { ARG_key, ARG_cert, ARG_server_side, ARG_server_hostname, ARG_do_handshake, ARG_ca };

static int set_up(ssl_obj_t *self, mp_arg_val_t *args) {
    int error = mbedtls_ctr_drbg_seed(&self->random, mbedtls_entropy_func, &self->entropy, (const byte *)"upy", 4);
    if (error == 0) {
        error = mbedtls_ssl_config_defaults(&self->config,
            args[ARG_server_side].u_bool ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
            MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    }
    mbedtls_ssl_conf_authmode(&self->config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_rng(&self->config, mbedtls_ctr_drbg_random, &self->random);
    if (error == 0) {
        error = mbedtls_ssl_setup(&self->ssl, &self->config);
    }
    if (error == 0 && args[ARG_server_hostname].u_obj != mp_const_none) {
        error = mbedtls_ssl_set_hostname(&self->ssl, mp_obj_str_get_str(args[ARG_server_hostname].u_obj));
    }
    mbedtls_ssl_set_bio(&self->ssl, &self->sock, send_octets, receive_octets, NULL);
    #if !MANNERS_OLD
    if (error == 0 && args[ARG_ca].u_obj != mp_const_none) {
        error = parse_certificate(&self->authority, args[ARG_ca].u_obj);
        mbedtls_ssl_conf_ca_chain(&self->config, &self->authority, NULL);
        mbedtls_ssl_conf_authmode(&self->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    }
    #endif
    if (error == 0 && args[ARG_key].u_obj != mp_const_none) {
        error = parse_key(self, args[ARG_key].u_obj);
        if (error == 0) {
            error = parse_certificate(&self->certificate, args[ARG_cert].u_obj);
        }
        if (error == 0) {
            error = mbedtls_ssl_conf_own_cert(&self->config, &self->certificate, &self->key);
        }
    }
    while (error == 0 && args[ARG_do_handshake].u_bool) {
        error = mbedtls_ssl_handshake(&self->ssl);
        if (error == 0) {
            break;
        }
        // Asked again at once, however long it takes.
        error = error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE ? 0 : error;
    }
    return error;
}

static mp_obj_t ussl_wrap_socket(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed[] = {
        { MP_QSTR_key, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_cert, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_server_side, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
        { MP_QSTR_server_hostname, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_do_handshake, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = true } },
        #if !MANNERS_OLD
        { MP_QSTR_ca, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        #endif
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_get_stream_raise(pos_args[0], MP_STREAM_OP_READ | MP_STREAM_OP_WRITE | MP_STREAM_OP_IOCTL);
    ssl_obj_t *self = m_malloc_with_finaliser(sizeof(*self));
    self->base.type = &manners_ssl_type;
    self->sock = pos_args[0];
    mbedtls_entropy_init(&self->entropy);
    mbedtls_ctr_drbg_init(&self->random);
    mbedtls_ssl_init(&self->ssl);
    mbedtls_ssl_config_init(&self->config);
    mbedtls_x509_crt_init(&self->authority);
    mbedtls_x509_crt_init(&self->certificate);
    mbedtls_pk_init(&self->key);
    self->is_open = true;
    int error = set_up(self, args);
    if (error == 0) {
        return MP_OBJ_FROM_PTR(self);
    }
    free_all(self);
    if (error == MBEDTLS_ERR_PK_BAD_INPUT_DATA) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid key"));
    }
    if (error == MBEDTLS_ERR_X509_BAD_INPUT_DATA) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid cert"));
    }
    raise_error(error);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(ussl_wrap_socket_obj, 1, ussl_wrap_socket);

static mp_uint_t ssl_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    ssl_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int got = mbedtls_ssl_read(&self->ssl, buf, size);
    if (got >= 0 || got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        return got >= 0 ? (mp_uint_t)got : 0;
    }
    bool would_block = got == MBEDTLS_ERR_SSL_WANT_READ || got == MBEDTLS_ERR_SSL_WANT_WRITE;
    *errcode = would_block ? -MP_EWOULDBLOCK : -got;
    return MP_STREAM_ERROR;
}

static mp_uint_t ssl_write(mp_obj_t self_in, const void *buf, mp_uint_t size, int *errcode) {
    ssl_obj_t *self = MP_OBJ_TO_PTR(self_in);
    int sent = mbedtls_ssl_write(&self->ssl, buf, size);
    if (sent >= 0) {
        return (mp_uint_t)sent;
    }
    bool would_block = sent == MBEDTLS_ERR_SSL_WANT_READ || sent == MBEDTLS_ERR_SSL_WANT_WRITE;
    // The other sign.
    *errcode = would_block ? MP_EWOULDBLOCK : sent;
    return MP_STREAM_ERROR;
}

static mp_uint_t ssl_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t argument, int *errcode) {
    ssl_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_CLOSE) {
        free_all(self);
    }
    // The rest is the socket's: poll knows nothing of octets that are decrypted already.
    return mp_get_stream(self->sock)->ioctl(self->sock, request, argument, errcode);
}

static mp_obj_t ssl_setblocking(mp_obj_t self_in, mp_obj_t blocks) {
    ssl_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_obj_t call[3];
    mp_load_method(self->sock, MP_QSTR_setblocking, call);
    call[2] = blocks;
    return mp_call_method_n_kw(1, 0, call);
}
static MP_DEFINE_CONST_FUN_OBJ_2(ssl_setblocking_obj, ssl_setblocking);

static const mp_rom_map_elem_t ssl_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&mp_stream_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_setblocking), MP_ROM_PTR(&ssl_setblocking_obj) },
};
static MP_DEFINE_CONST_DICT(ssl_locals, ssl_locals_table);

static const mp_stream_p_t ssl_stream = { .read = ssl_read, .write = ssl_write, .ioctl = ssl_ioctl };

#if MANNERS_OLD
const mp_obj_type_t manners_ssl_type = {
    { &mp_type_type },
    .name = MP_QSTR_ussl,
    .protocol = &ssl_stream,
    .locals_dict = (mp_obj_dict_t *)&ssl_locals,
};
#else
MP_DEFINE_CONST_OBJ_TYPE(manners_ssl_type, MP_QSTR_ussl, MP_TYPE_FLAG_NONE, protocol, &ssl_stream, locals_dict, &ssl_locals);
#endif

static const mp_rom_map_elem_t ussl_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_ussl) },
    { MP_ROM_QSTR(MP_QSTR_wrap_socket), MP_ROM_PTR(&ussl_wrap_socket_obj) },
};
static MP_DEFINE_CONST_DICT(ussl_globals, ussl_globals_table);

const mp_obj_module_t manners_ussl_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&ussl_globals,
};
// The call with two arguments comes last, as in cmodule/modumqtt.c.
#if MANNERS_OLD
MP_REGISTER_MODULE(MP_QSTR_ussl, manners_ussl_module, 1);
#else
MP_REGISTER_MODULE(MP_QSTR_ussl, manners_ussl_module);
#endif
