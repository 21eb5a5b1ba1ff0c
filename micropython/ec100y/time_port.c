// Module time: what the port adds to extmod/modtime.c, which includes this file: the time of day.

#include "shared/timeutils/timeutils.h"
#include "timer.h"

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t now;
    timeutils_seconds_since_epoch_to_struct_time(timeutils_seconds_since_epoch_from_nanoseconds_since_1970(mp_hal_time_ns()), &now);
    mp_obj_t fields[8] = {
        mp_obj_new_int(now.tm_year), mp_obj_new_int(now.tm_mon), mp_obj_new_int(now.tm_mday), mp_obj_new_int(now.tm_hour),
        mp_obj_new_int(now.tm_min), mp_obj_new_int(now.tm_sec), mp_obj_new_int(now.tm_wday), mp_obj_new_int(now.tm_yday),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(fields), fields);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_ull(timeutils_seconds_since_epoch_from_nanoseconds_since_1970(mp_hal_time_ns()));
}
