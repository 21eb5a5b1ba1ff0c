// Between wire.c, which has the C library's sockets, and wire_lwip.c, which has lwIP's: their headers do not go together.
#pragma once

#include <stddef.h>

// libslirp's usual numbers.
#define WIRE_NETWORK    "10.0.2.0"
#define WIRE_NETMASK    "255.255.255.0"
#define WIRE_GATEWAY    "10.0.2.2"
#define WIRE_NAMESERVER "10.0.2.3"
#define WIRE_ADDRESS    "10.0.2.15"

void wire_lwip_start(void);
void wire_lwip_input(const void *frame, size_t len);
void wire_output(const void *frame, size_t len);
