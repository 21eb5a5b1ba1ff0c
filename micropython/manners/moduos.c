// Module uos: what tests ask of the machine. For trees whose extmod is not used: see os_port.c for others.
#include "py/runtime.h"

#include "os_port.c"

static const mp_rom_map_elem_t uos_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_uos) },
    { MP_ROM_QSTR(MP_QSTR_getenv), MP_ROM_PTR(&mp_os_getenv_obj) },
    { MP_ROM_QSTR(MP_QSTR_putenv), MP_ROM_PTR(&mp_os_putenv_obj) },
    { MP_ROM_QSTR(MP_QSTR_unsetenv), MP_ROM_PTR(&mp_os_unsetenv_obj) },
};
static MP_DEFINE_CONST_DICT(uos_globals, uos_globals_table);

const mp_obj_module_t manners_uos_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&uos_globals,
};
MP_REGISTER_MODULE(MP_QSTR_uos, manners_uos_module, 1);
