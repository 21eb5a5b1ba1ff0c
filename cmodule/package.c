// Python files that belong to the module: `umqtt.simple` and the others, frozen in a directory `umqtt` (see
// micropython/umqtt), and the class that stands behind MQTTClient(..., reconn=True).
#include "mqttclient.h"

// The import of `umqtt.simple` stores the new module here, and who has imported it asks for it here. This module's own table
// lies in flash; sys.modules has all of them.
void umqtt_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    (void)self_in;
    if (dest[0] == MP_OBJ_NULL) {
        if (qstr_str(attr)[0] == '_') {
            return; // __init__ and the like, which each import asks for
        }
        vstr_t name;
        vstr_init(&name, sizeof("umqtt.reconnect"));
        vstr_add_str(&name, "umqtt.");
        vstr_add_str(&name, qstr_str(attr));
        // Not interned, which would be for good: what was imported is.
        mp_obj_t full_name = MP_OBJ_NEW_QSTR(qstr_find_strn(name.buf, name.len));
        vstr_clear(&name);
        mp_map_elem_t *loaded = mp_map_lookup(&MP_STATE_VM(mp_loaded_modules_dict).map, full_name, MP_MAP_LOOKUP);
        if (loaded != NULL) {
            dest[0] = loaded->value;
        }
    } else if (dest[1] != MP_OBJ_NULL && mp_obj_is_type(dest[1], &mp_type_module)) {
        dest[0] = MP_OBJ_NULL; // it is where it is looked for
    }
}

// Whether a client that connects again by itself is asked for.
bool mqttclient_wants_reconnect(size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    for (size_t i = 0; i < n_kw; ++i) {
        const mp_obj_t *pair = all_args + n_args + 2 * i;
        if (pair[0] == MP_OBJ_NEW_QSTR(MP_QSTR_reconn)) {
            return mp_obj_is_true(pair[1]);
        }
    }
    return false;
}

// That client, made of the same arguments. May raise, ImportError if it is not in this firmware.
mp_obj_t mqttclient_new_reconnecting(size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    mp_obj_t module = mp_import_name(qstr_from_str("umqtt.reconnect"), mp_const_empty_tuple, MP_OBJ_NEW_SMALL_INT(0));
    return mp_call_function_n_kw(mp_load_attr(module, MP_QSTR_MQTTClient), n_args, n_kw, all_args);
}
