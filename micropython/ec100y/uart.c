// The serial port of the REPL, a PL011. Receives by interrupt, so that Ctrl-C is seen whatever the script does.

#include "py/mpconfig.h"
#include "py/ringbuf.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"
#include "board.h"
#include "interrupt.h"
#include "uart.h"

#define DATA        BOARD_REGISTER(BOARD_UART + 0x00)
#define FLAGS       BOARD_REGISTER(BOARD_UART + 0x18)
#define LINE        BOARD_REGISTER(BOARD_UART + 0x2c)
#define CONTROL     BOARD_REGISTER(BOARD_UART + 0x30)
#define INT_ENABLE  BOARD_REGISTER(BOARD_UART + 0x38)

#define FLAG_RX_EMPTY   (1 << 4)
#define FLAG_TX_FULL    (1 << 5)
#define LINE_8_BITS     (3 << 5)
#define LINE_FIFO       (1 << 4)
#define CONTROL_ON      (1 << 0)
#define CONTROL_TX      (1 << 8)
#define CONTROL_RX      (1 << 9)
// Enough octets have come, or some have and then none for a while.
#define INT_RX          (1 << 4)
#define INT_RX_TIMEOUT  (1 << 6)

// More than what mpremote has under way in raw-paste mode.
static uint8_t received_octets[1024];
static ringbuf_t received = { received_octets, sizeof(received_octets), 0, 0 };

static void receive(void) {
    while (!(FLAGS & FLAG_RX_EMPTY)) {
        if (ringbuf_free(&received) == 0) {
            // The rest waits in the device, which holds the sender back, until uart_read has made room.
            INT_ENABLE = 0;
            return;
        }
        int c = DATA & 0xff;
        if (c == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&received, c);
        }
    }
    // An emptied device asks no longer. To clear its interrupt could lose that of an octet which has just come.
}

void uart_init(void) {
    LINE = LINE_8_BITS | LINE_FIFO;
    CONTROL = CONTROL_ON | CONTROL_TX | CONTROL_RX;
    interrupt_connect(BOARD_IRQ_UART, receive);
    INT_ENABLE = INT_RX | INT_RX_TIMEOUT;
}

bool uart_is_readable(void) {
    return ringbuf_avail(&received) != 0;
}

int uart_read(void) {
    uint32_t state = interrupt_mask();
    int c = ringbuf_get(&received);
    INT_ENABLE = INT_RX | INT_RX_TIMEOUT;
    interrupt_restore(state);
    return c;
}

void uart_write(const char *text, size_t len) {
    for (; len > 0; --len) {
        while (FLAGS & FLAG_TX_FULL) {
        }
        DATA = (uint8_t)*text++;
    }
}
