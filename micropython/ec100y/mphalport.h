// What MicroPython asks of the hardware, as far as it is told by header.
#pragma once

#include <stdint.h>
#include "interrupt.h"
#include "shared/runtime/interrupt_char.h"

#define MICROPY_BEGIN_ATOMIC_SECTION()      interrupt_mask()
#define MICROPY_END_ATOMIC_SECTION(state)   interrupt_restore(state)

// Sleeps until an interrupt, or for ms milliseconds (-1: without end). Returns at once if there was one since the last wait.
void board_wait(int32_t ms);
#define MICROPY_INTERNAL_WFE(ms)            board_wait(ms)

// How long that has slept so far.
extern uint64_t board_idle_us;

mp_uint_t mp_hal_ticks_cpu(void);

// Milliseconds since the start, without the wrap of mp_hal_ticks_ms at 2^30.
uint64_t mp_hal_ticks_ms_64(void);

// Fills it with random octets.
void board_random(void *octets, size_t len);
