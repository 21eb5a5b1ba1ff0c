// The interrupt controller, and what happens when the processor meets what it cannot do.

#include "py/mpconfig.h"
#include "py/mpprint.h"
#include "board.h"
#include "interrupt.h"
#include "uart.h"

#define LINES       (32)
#define IRQ_STATUS  BOARD_REGISTER(BOARD_INTERRUPTS + 0x00)
#define INT_ENABLE  BOARD_REGISTER(BOARD_INTERRUPTS + 0x10)
#define INT_DISABLE BOARD_REGISTER(BOARD_INTERRUPTS + 0x14)

volatile bool interrupt_happened;
static void (*handlers[LINES])(void);

void interrupt_init(void) {
    INT_DISABLE = UINT32_MAX;
}

void interrupt_connect(unsigned line, void (*handler)(void)) {
    handlers[line] = handler;
    INT_ENABLE = 1u << line;
}

// Called by start.S.
void interrupt_handle(void) {
    uint32_t status;
    interrupt_happened = true;
    while ((status = IRQ_STATUS) != 0) {
        handlers[__builtin_ctz(status)]();
    }
}

static void fault_print(void *data, const char *text, size_t len) {
    (void)data;
    uart_write(text, len);
}

// Called by start.S with r0 to r12 and the link register. There is nobody to go back to: it says what it can and resets.
void fault_report(const uint32_t *registers, unsigned kind) {
    static const char *const names[] = { "undefined instruction", "unexpected exception", "prefetch abort", "data abort" };
    static const mp_print_t print = { NULL, fault_print };
    uint32_t status, address;
    __asm volatile ("mrc p15, 0, %0, c5, c0, 0" : "=r" (status));
    __asm volatile ("mrc p15, 0, %0, c6, c0, 0" : "=r" (address));
    mp_printf(&print, "\r\nFATAL: %s before 0x%08x, status 0x%x, address 0x%08x\r\n", names[kind],
        (unsigned)registers[13], (unsigned)status, (unsigned)address);
    for (unsigned i = 0; i < 13; ++i) {
        mp_printf(&print, "r%u=%08x ", i, (unsigned)registers[i]);
    }
    uart_write("\r\n", 2);
    board_reset();
}
