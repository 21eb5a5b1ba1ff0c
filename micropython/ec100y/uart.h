// The serial port of the REPL, a PL011. Receives by interrupt.
#pragma once

#include <stdbool.h>
#include <stddef.h>

void uart_init(void);

// Whether uart_read has something to give.
bool uart_is_readable(void);

// The next character received, or -1 if there is none.
int uart_read(void);

// Returns when all of it has been handed to the device.
void uart_write(const char *text, size_t len);
