// The Ethernet chip, an SMC91C111: whole frames out and in. All but the interrupt is called from the main program only.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "lwip/pbuf.h"

// Resets the chip, reads its address, and has on_frame called, by interrupt, when frames have come. After that it is not
// called again before smc91c111_listen. False: there is no such chip.
bool smc91c111_init(uint8_t address[6], void (*on_frame)(void));

// The next frame that has come, behind ETH_PAD_SIZE octets; NULL if there is none. The caller frees it.
struct pbuf *smc91c111_receive(void);

// To be called when frames were taken, or there will be no more calls of on_frame.
void smc91c111_listen(void);

// Sends a frame that stands behind ETH_PAD_SIZE octets. False if the chip cannot. May call on_frame.
bool smc91c111_send(const struct pbuf *frame);
