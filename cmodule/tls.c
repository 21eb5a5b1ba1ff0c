// TLS around a socket, with whatever the port has for it: tls, ssl or ussl, with SSLContext or without.
#include "mqttclient.h"

// The keys of ssl_params. `ca` and `ca_certs` mean `cadata`.
static const uint16_t param_keys[] = {
    MP_QSTR_key, MP_QSTR_cert, MP_QSTR_cadata, MP_QSTR_ca, MP_QSTR_ca_certs, MP_QSTR_cert_reqs,
    MP_QSTR_server_hostname, MP_QSTR_server_side, MP_QSTR_do_handshake,
};

// Python's numbers for them.
enum { CERT_NONE = 0, CERT_REQUIRED = 2 };
enum { PROTOCOL_TLS_CLIENT = 0, PROTOCOL_TLS_SERVER = 1 };

// Whether this is a context made by the user.
bool mqttclient_is_ssl_context(mp_obj_t obj) {
    mp_obj_t method[2];
    mp_load_method_maybe(obj, MP_QSTR_wrap_socket, method);
    return method[0] != MP_OBJ_NULL;
}

// The host name for SNI and for the check. A TLS stream that is made with anything else raises half made, and closes its
// socket once more when it is collected.
static mp_obj_t check_hostname(mp_obj_t hostname) {
    if (!mp_obj_is_str_or_bytes(hostname)) {
        mp_raise_TypeError(MP_ERROR_TEXT("server_hostname must be a str"));
    }
    return hostname;
}

// Checks ssl_params: the dict of it, or MP_OBJ_NULL for none. May raise.
mp_obj_t mqttclient_ssl_params(mp_obj_t params) {
    if (params == MP_OBJ_NULL || params == mp_const_none) {
        return MP_OBJ_NULL;
    }
    if (mp_obj_is_str(params)) {
        if (mp_obj_len(params) == MP_OBJ_NEW_SMALL_INT(0)) {
            return MP_OBJ_NULL; // the guide has a str here, and this is its "none"
        }
        mp_obj_t json = mqttclient_import(MP_QSTR_json, MP_QSTR_ujson, MP_QSTRnull);
        params = mqttclient_call(json, MP_QSTR_loads, 1, &params);
    }
    if (!mp_obj_is_type(params, &mp_type_dict)) {
        mp_raise_TypeError(MP_ERROR_TEXT("ssl_params must be a dict or its JSON"));
    }
    mp_map_t *map = mp_obj_dict_get_map(params);
    for (size_t i = 0; i < map->alloc; ++i) {
        if (!mp_map_slot_is_filled(map, i)) {
            continue;
        }
        // Only a str: comparing with anything else may run Python, which may change the dict.
        bool known = false;
        for (size_t k = 0; k < MP_ARRAY_SIZE(param_keys) && mp_obj_is_str(map->table[i].key); ++k) {
            known |= mp_obj_equal(map->table[i].key, MP_OBJ_NEW_QSTR(param_keys[k]));
        }
        if (!known) {
            mp_raise_TypeError(MP_ERROR_TEXT("unknown key in ssl_params"));
        }
        if (mp_obj_equal(map->table[i].key, MP_OBJ_NEW_QSTR(MP_QSTR_server_hostname)) && map->table[i].value != mp_const_none) {
            check_hostname(map->table[i].value);
        }
    }
    return params;
}

// A value of ssl_params, or MP_OBJ_NULL if it is not there or None.
static mp_obj_t param(mqttclient_obj_t *self, qstr key) {
    if (self->ssl_params == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    mp_map_elem_t *elem = mp_map_lookup(mp_obj_dict_get_map(self->ssl_params), MP_OBJ_NEW_QSTR(key), MP_MAP_LOOKUP);
    return elem == NULL || elem->value == mp_const_none ? MP_OBJ_NULL : elem->value;
}

static mp_obj_t param_cadata(mqttclient_obj_t *self) {
    mp_obj_t cadata = param(self, MP_QSTR_cadata);
    if (cadata == MP_OBJ_NULL) {
        cadata = param(self, MP_QSTR_ca);
    }
    return cadata != MP_OBJ_NULL ? cadata : param(self, MP_QSTR_ca_certs);
}

static bool is_server_side(mqttclient_obj_t *self) {
    mp_obj_t server_side = param(self, MP_QSTR_server_side);
    return server_side != MP_OBJ_NULL && mp_obj_is_true(server_side);
}

// Given cadata, the server is verified; without, as the guide has it, it is not. cert_reqs may say otherwise.
static mp_obj_t verify_mode(mqttclient_obj_t *self) {
    mp_obj_t cert_reqs = param(self, MP_QSTR_cert_reqs);
    if (cert_reqs != MP_OBJ_NULL) {
        return cert_reqs;
    }
    return MP_OBJ_NEW_SMALL_INT(param_cadata(self) != MP_OBJ_NULL ? CERT_REQUIRED : CERT_NONE);
}

// A context made from ssl_params. May raise.
static mp_obj_t make_context(mqttclient_obj_t *self, mp_obj_t module, bool is_server) {
    mp_obj_t protocol = MP_OBJ_NEW_SMALL_INT(is_server ? PROTOCOL_TLS_SERVER : PROTOCOL_TLS_CLIENT);
    mp_obj_t context = mqttclient_call(module, MP_QSTR_SSLContext, 1, &protocol);
    mp_store_attr(context, MP_QSTR_verify_mode, verify_mode(self));
    mp_obj_t cadata = param_cadata(self);
    if (cadata != MP_OBJ_NULL) {
        mqttclient_call(context, MP_QSTR_load_verify_locations, 1, &cadata);
    }
    mp_obj_t pair[2] = { param(self, MP_QSTR_cert), param(self, MP_QSTR_key) };
    if (pair[0] != MP_OBJ_NULL && pair[1] != MP_OBJ_NULL) {
        mqttclient_call(context, MP_QSTR_load_cert_chain, 2, pair);
    } else if (pair[0] != pair[1]) {
        mp_raise_ValueError(MP_ERROR_TEXT("cert and key go together"));
    }
    return context;
}

// Keyword arguments of a call that is being put together.
typedef struct _keywords_t {
    mp_obj_t *next;
    size_t len;
} keywords_t;

static void add_keyword(keywords_t *keywords, qstr name, mp_obj_t value) {
    if (value != MP_OBJ_NULL) {
        *keywords->next++ = MP_OBJ_NEW_QSTR(name);
        *keywords->next++ = value;
        ++keywords->len;
    }
}

#if !UMQTT_SSL_CONTEXT_ONLY
// wrap_socket() with these arguments: the stream, or MP_OBJ_NULL if it refuses one of them. May raise.
static mp_obj_t try_wrap(mp_obj_t wrap_socket, size_t n_keywords, const mp_obj_t *args) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t stream = mp_call_function_n_kw(wrap_socket, 1, n_keywords, args);
        nlr_pop();
        return stream;
    }
    if (!mp_obj_exception_match(MP_OBJ_FROM_PTR(nlr.ret_val), MP_OBJ_FROM_PTR(&mp_type_TypeError))) {
        nlr_jump(nlr.ret_val);
    }
    return MP_OBJ_NULL;
}

// As the ports do it that have no SSLContext. May raise.
static mp_obj_t wrap_without_context(mqttclient_obj_t *self, mp_obj_t module, mp_obj_t sock, mp_obj_t server_hostname, mp_obj_t server_side) {
    mp_obj_t wrap_socket = mp_load_attr(module, MP_QSTR_wrap_socket);
    mp_obj_t args[1 + 2 * 7] = { sock };
    keywords_t keywords = { args + 1, 0 };
    mp_obj_t cadata = param_cadata(self);
    mp_obj_t mode = verify_mode(self);
    add_keyword(&keywords, MP_QSTR_server_hostname, server_hostname);
    add_keyword(&keywords, MP_QSTR_server_side, server_side);
    add_keyword(&keywords, MP_QSTR_key, param(self, MP_QSTR_key));
    add_keyword(&keywords, MP_QSTR_cert, param(self, MP_QSTR_cert));
    add_keyword(&keywords, MP_QSTR_do_handshake, mp_const_false);
    if (cadata != MP_OBJ_NULL || param(self, MP_QSTR_cert_reqs) != MP_OBJ_NULL) {
        keywords_t verifying = keywords;
        add_keyword(&verifying, MP_QSTR_cadata, cadata);
        add_keyword(&verifying, MP_QSTR_cert_reqs, mode);
        mp_obj_t stream = try_wrap(wrap_socket, verifying.len, args);
        if (stream != MP_OBJ_NULL) {
            return stream;
        }
        // Quectel's ussl knows neither, but `ca`, and verifies if it is given. Who asks for that gets it, or the TypeError.
        if (mode != MP_OBJ_NEW_SMALL_INT(CERT_NONE)) {
            if (cadata == MP_OBJ_NULL) {
                keywords = verifying;
            } else {
                add_keyword(&keywords, MP_QSTR_ca, cadata);
            }
        }
    }
    return mp_call_function_n_kw(wrap_socket, 1, keywords.len, args);
}
#endif

// The stream of the TLS connection over this socket. The handshake comes with the first octets that are written, in steps
// that do not wait. May raise.
mp_obj_t mqttclient_wrap_tls(mqttclient_obj_t *self, mp_obj_t sock) {
    mp_obj_t server_hostname = param(self, MP_QSTR_server_hostname);
    if (server_hostname == MP_OBJ_NULL) {
        server_hostname = self->server;
    }
    check_hostname(server_hostname);
    bool is_server = is_server_side(self);
    mp_obj_t server_side = is_server ? mp_const_true : MP_OBJ_NULL;
    mp_obj_t call[3 + 2 * 3];
    mp_obj_t context = self->ssl;
    if (context == mp_const_true) {
        mp_obj_t module = mqttclient_import(MP_QSTR_tls, MP_QSTR_ussl, MP_QSTR_ssl);
        #if !UMQTT_SSL_CONTEXT_ONLY
        mp_load_method_maybe(module, MP_QSTR_SSLContext, call);
        if (call[0] == MP_OBJ_NULL || UMQTT_SSL_CADATA_BY_KEYWORD) {
            return wrap_without_context(self, module, sock, server_hostname, server_side);
        }
        #endif
        context = make_context(self, module, is_server);
    }
    mp_load_method(context, MP_QSTR_wrap_socket, call);
    call[2] = sock;
    keywords_t keywords = { call + 3, 0 };
    add_keyword(&keywords, MP_QSTR_server_hostname, server_hostname);
    add_keyword(&keywords, MP_QSTR_server_side, server_side);
    add_keyword(&keywords, MP_QSTR_do_handshake_on_connect, mp_const_false);
    return mp_call_method_n_kw(1, keywords.len, call);
}
