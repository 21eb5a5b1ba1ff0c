// What Mbed TLS asks of the board: chance and time.

#include "py/mphal.h"
#include "shared/timeutils/timeutils.h"
#include "mbedtls/entropy.h"
#include "mbedtls/platform.h"
#include "mbedtls/platform_time.h"
#include "mbedtls/platform_util.h"
#include "timer.h"

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *output_len);

// The keys of every connection come from here. They are as hard to guess as what board_random gives: on QEMU's machine,
// which has no source of chance, that is good for tests only. A board plugs its generator in there.
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *output_len) {
    (void)data;
    board_random(output, len);
    *output_len = len;
    return 0;
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return mp_hal_ticks_ms_64();
}

time_t tls_time(time_t *also) {
    time_t now = timer_time_of_day();
    if (also != NULL) {
        *also = now;
    }
    return now;
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *seconds, struct tm *into) {
    timeutils_struct_time_t parts;
    uint64_t nanoseconds = *seconds * 1000000000ull;
    timeutils_seconds_since_epoch_to_struct_time(
        timeutils_seconds_since_epoch_from_nanoseconds_since_1970(nanoseconds), &parts);
    *into = (struct tm) {
        .tm_year = parts.tm_year - 1900,
        .tm_mon = parts.tm_mon - 1,
        .tm_mday = parts.tm_mday,
        .tm_hour = parts.tm_hour,
        .tm_min = parts.tm_min,
        .tm_sec = parts.tm_sec,
    };
    return into;
}
