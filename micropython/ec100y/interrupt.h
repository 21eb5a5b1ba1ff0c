// The interrupt controller, a PL190, and the state of the processor's interrupt mask.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Whether there was an interrupt since board_wait last cleared this.
extern volatile bool interrupt_happened;

// Once, first of all: a reset of the machine may leave devices asking, and lines let through, from before.
void interrupt_init(void);

// Has handler called whenever the device on this line asks for it. Handlers run one at a time, with interrupts masked.
void interrupt_connect(unsigned line, void (*handler)(void));

// Masks interrupts and returns what interrupt_restore wants.
static inline uint32_t interrupt_mask(void) {
    uint32_t state;
    __asm volatile ("mrs %0, cpsr\n\tcpsid i" : "=r" (state) : : "memory");
    return state;
}

static inline void interrupt_restore(uint32_t state) {
    __asm volatile ("msr cpsr_c, %0" : : "r" (state) : "memory");
}

static inline void interrupt_unmask(void) {
    __asm volatile ("cpsie i" : : : "memory");
}
