// The machine: where its registers are and which interrupt lines they drive (ARM's Versatile/PB926 as QEMU builds it, with
// a Cortex-R5 and 8 MiB of RAM at address 0).
#pragma once

#include <stdint.h>

#define BOARD_REGISTER(address) (*(volatile uint32_t *)(address))

#define BOARD_SYSTEM        (0x10000000) // system registers: reset
#define BOARD_INTERRUPTS_2  (0x10003000) // a second controller; passes lines 21 to 30 on to the first
#define BOARD_ETHERNET      (0x10010000) // SMC91C111
#define BOARD_INTERRUPTS    (0x10140000) // PL190
#define BOARD_TIMERS        (0x101E2000) // SP804 with timers 0 and 1
#define BOARD_TIMERS_2      (0x101E3000) // SP804 with timers 2 and 3
#define BOARD_CLOCK         (0x101E8000) // PL031, seconds since 1970
#define BOARD_UART          (0x101F1000) // PL011
#define BOARD_FLASH         (0x34000000) // CFI NOR flash

#define BOARD_IRQ_TIMERS    (4)
#define BOARD_IRQ_TIMERS_2  (5)
#define BOARD_IRQ_UART      (12)
#define BOARD_IRQ_ETHERNET  (25)

// QEMU counts no cycles; what the Cortex-R5 of an EC100Y-CN runs at.
#define BOARD_CPU_HZ        (624000000)

// Ends what runs and starts the firmware from its reset vector.
__attribute__((noreturn)) void board_reset(void);
