// What MicroPython asks of the hardware: console, time, waiting, chance, reset.

#include <string.h>
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "board.h"
#include "timer.h"
#include "uart.h"

uint64_t board_idle_us;

void board_wait(int32_t ms) {
    uint32_t state = interrupt_mask();
    // An interrupt since the last wait may have brought what the caller waits for, after it last looked.
    if (!interrupt_happened) {
        if (ms >= 0) {
            timer_set_alarm_us((uint32_t)MIN(ms, INT32_MAX / 1000) * 1000);
        }
        uint64_t before = timer_now_us();
        // Ends with an interrupt even while they are masked.
        __asm volatile ("dsb\n\twfi" : : : "memory");
        board_idle_us += timer_now_us() - before;
        timer_clear_alarm();
    }
    interrupt_happened = false;
    interrupt_restore(state);
}

int mp_hal_stdin_rx_chr(void) {
    int c;
    while ((c = uart_read()) < 0) {
        mp_event_wait_indefinite();
    }
    return c;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    uart_write(str, len);
    return len;
}

uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    uintptr_t ready = poll_flags & MP_STREAM_POLL_WR;
    if ((poll_flags & MP_STREAM_POLL_RD) && uart_is_readable()) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = mp_hal_ticks_ms_64() + ms, now;
    // Once even for 0, which gives others their turn.
    mp_event_handle_nowait();
    while ((now = mp_hal_ticks_ms_64()) < end) {
        mp_event_wait_ms(MIN(end - now, INT32_MAX));
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = timer_now_us() + us;
    while (timer_now_us() < end) {
    }
}

uint64_t mp_hal_ticks_ms_64(void) {
    return timer_now_us() / 1000;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return mp_hal_ticks_ms_64();
}

mp_uint_t mp_hal_ticks_us(void) {
    return timer_now_us();
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return timer_now_us();
}

uint64_t mp_hal_time_ns(void) {
    return timer_time_of_day() * 1000000000ull;
}

// A mixer (splitmix64) over the time of day and the microseconds at which it is asked. QEMU's machine has no source of
// true chance: whoever brings this port to a chip replaces this function by the chip's generator before using TLS in earnest.
void board_random(void *octets, size_t len) {
    static uint64_t state;
    uint8_t *out = octets;
    while (len > 0) {
        state += 0x9e3779b97f4a7c15 + timer_now_us() + ((uint64_t)timer_time_of_day() << 32);
        uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        mixed ^= mixed >> 31;
        size_t part = MIN(len, sizeof(mixed));
        memcpy(out, &mixed, part);
        out += part;
        len -= part;
    }
}

uint32_t board_random_seed(void) {
    uint32_t seed;
    board_random(&seed, sizeof(seed));
    return seed;
}

void board_reset(void) {
    interrupt_mask();
    // Unlocked, then a reset of the level that restarts the machine.
    BOARD_REGISTER(BOARD_SYSTEM + 0x20) = 0xa05f;
    BOARD_REGISTER(BOARD_SYSTEM + 0x40) = 0x100;
    for (;;) {
    }
}
