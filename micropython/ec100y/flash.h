// The NOR flash of the file system: a parallel one that tells its geometry by CFI and takes Intel's command set.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Asks the chip; false if there is none that is understood.
bool flash_init(void);

// In octets: the whole chip, and what is erased at once.
uint32_t flash_size(void);
uint32_t flash_block_size(void);

// All offsets are octets from the chip's start. Each returns whether it went well; len of a write is a multiple of 4, and
// what is written must have been erased.
void flash_read(uint32_t offset, void *into, size_t len);
bool flash_write(uint32_t offset, const void *from, size_t len);
bool flash_erase(uint32_t offset);
