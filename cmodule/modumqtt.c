// Module umqtt: its table and MQTTException.
#include "mqttclient.h"

// MQTTException(code): the Server's return code of CONNACK, or 128 for a refused subscription.
// MQTTException(text): how the Server broke the protocol.
MP_DEFINE_EXCEPTION(MQTTException, Exception)

#if UMQTT_EXTRAS
// Where `import umqtt.simple` looks: package.c says what for.
static const MP_DEFINE_STR_OBJ(umqtt_path, ".frozen/umqtt");
#endif

static const mp_rom_map_elem_t umqtt_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_umqtt) },
    #if UMQTT_EXTRAS
    { MP_ROM_QSTR(MP_QSTR___path__), MP_ROM_PTR(&umqtt_path) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_MQTTClient), MP_ROM_PTR(&mp_type_umqtt_MQTTClient) },
    { MP_ROM_QSTR(MP_QSTR_MQTTException), MP_ROM_PTR(&mp_type_MQTTException) },
};
static MP_DEFINE_CONST_DICT(umqtt_globals, umqtt_globals_table);

const mp_obj_module_t umqtt_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&umqtt_globals,
};

#if UMQTT_EXTRAS && UMQTT_MICROPYTHON >= 1021
MP_REGISTER_MODULE_DELEGATION(umqtt_module, umqtt_attr);
#endif
// The call with two arguments comes last: up to 1.18 the build takes what follows it, up to a comma, for the third.
#if UMQTT_REGISTER_WITH_SWITCH
MP_REGISTER_MODULE(MP_QSTR_umqtt, umqtt_module, 1);
#else
MP_REGISTER_MODULE(MP_QSTR_umqtt, umqtt_module);
#endif
