// Module utime: the vendor's, as far as tests use it.
#include "py/mphal.h"
#include "py/obj.h"
#include "py/runtime.h"
#include "py/smallint.h"

// Ticks go round at 2^30, as MicroPython's do.
#define TICKS_PERIOD (MP_SMALL_INT_POSITIVE_MASK < 0x3fffffff ? MP_SMALL_INT_POSITIVE_MASK + 1 : 0x40000000)

static mp_obj_t utime_sleep(mp_obj_t seconds) {
    mp_hal_delay_ms((mp_uint_t)(1000 * mp_obj_get_float(seconds)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(utime_sleep_obj, utime_sleep);

static mp_obj_t utime_sleep_ms(mp_obj_t ms_in) {
    mp_int_t ms = mp_obj_get_int(ms_in);
    if (ms > 0) {
        mp_hal_delay_ms((mp_uint_t)ms);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(utime_sleep_ms_obj, utime_sleep_ms);

static mp_obj_t utime_sleep_us(mp_obj_t us_in) {
    mp_int_t us = mp_obj_get_int(us_in);
    if (us > 0) {
        mp_hal_delay_us((mp_uint_t)us);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(utime_sleep_us_obj, utime_sleep_us);

static mp_obj_t utime_ticks_ms(void) {
    return MP_OBJ_NEW_SMALL_INT(mp_hal_ticks_ms() & (TICKS_PERIOD - 1));
}
static MP_DEFINE_CONST_FUN_OBJ_0(utime_ticks_ms_obj, utime_ticks_ms);

static mp_obj_t utime_ticks_us(void) {
    return MP_OBJ_NEW_SMALL_INT(mp_hal_ticks_us() & (TICKS_PERIOD - 1));
}
static MP_DEFINE_CONST_FUN_OBJ_0(utime_ticks_us_obj, utime_ticks_us);

static mp_obj_t utime_ticks_diff(mp_obj_t end, mp_obj_t start) {
    mp_int_t diff = MP_OBJ_SMALL_INT_VALUE(end) - MP_OBJ_SMALL_INT_VALUE(start);
    return MP_OBJ_NEW_SMALL_INT(((diff + TICKS_PERIOD / 2) & (TICKS_PERIOD - 1)) - TICKS_PERIOD / 2);
}
static MP_DEFINE_CONST_FUN_OBJ_2(utime_ticks_diff_obj, utime_ticks_diff);

static mp_obj_t utime_ticks_add(mp_obj_t ticks, mp_obj_t delta) {
    return MP_OBJ_NEW_SMALL_INT((MP_OBJ_SMALL_INT_VALUE(ticks) + mp_obj_get_int(delta)) & (TICKS_PERIOD - 1));
}
static MP_DEFINE_CONST_FUN_OBJ_2(utime_ticks_add_obj, utime_ticks_add);

static mp_obj_t utime_time(void) {
    return mp_obj_new_int((mp_int_t)(mp_hal_time_ns() / 1000000000));
}
static MP_DEFINE_CONST_FUN_OBJ_0(utime_time_obj, utime_time);

static const mp_rom_map_elem_t utime_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_utime) },
    { MP_ROM_QSTR(MP_QSTR_time), MP_ROM_PTR(&utime_time_obj) },
    { MP_ROM_QSTR(MP_QSTR_sleep), MP_ROM_PTR(&utime_sleep_obj) },
    { MP_ROM_QSTR(MP_QSTR_sleep_ms), MP_ROM_PTR(&utime_sleep_ms_obj) },
    { MP_ROM_QSTR(MP_QSTR_sleep_us), MP_ROM_PTR(&utime_sleep_us_obj) },
    { MP_ROM_QSTR(MP_QSTR_ticks_ms), MP_ROM_PTR(&utime_ticks_ms_obj) },
    { MP_ROM_QSTR(MP_QSTR_ticks_us), MP_ROM_PTR(&utime_ticks_us_obj) },
    { MP_ROM_QSTR(MP_QSTR_ticks_add), MP_ROM_PTR(&utime_ticks_add_obj) },
    { MP_ROM_QSTR(MP_QSTR_ticks_diff), MP_ROM_PTR(&utime_ticks_diff_obj) },
};
static MP_DEFINE_CONST_DICT(utime_globals, utime_globals_table);

const mp_obj_module_t manners_utime_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&utime_globals,
};
// The call with two arguments comes last, as in cmodule/modumqtt.c.
#if MANNERS_OLD
MP_REGISTER_MODULE(MP_QSTR_utime, manners_utime_module, 1);
#else
MP_REGISTER_MODULE(MP_QSTR_utime, manners_utime_module);
#endif
