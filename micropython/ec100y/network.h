// The network: lwIP over the Ethernet chip. It comes up by itself at start-up, as a module's data call does.
//
// All of lwIP runs in the main program. An interrupt (a frame has come, lwIP's timers may be due) only notes that there is
// something to do; network_poll, which MicroPython calls whenever it looks for events and between bytecodes, does it.
#pragma once

#include <stdbool.h>

struct netif;

// Once, after the timer's start: starts the link, and DHCP, and waits for neither.
void network_init(void);

// Does what there is to do. May be called at any time but by an interrupt handler.
void network_poll(void);

// The Ethernet interface, or NULL if the board has none.
struct netif *network_nic(void);

// Takes the interface up, with DHCP, or down.
void network_set_active(bool active);
