// The NOR flash of the file system. Two chips of 16 bits side by side make words of 32, so a command goes to both halves.

#include <string.h>
#include "board.h"
#include "flash.h"

#define BOTH(command)       ((command) << 16 | (command))
#define WORD(offset)        BOARD_REGISTER(BOARD_FLASH + (offset))

#define READ_ARRAY          BOTH(0xffu)
#define READ_QUERY          BOTH(0x98u)
#define CLEAR_STATUS        BOTH(0x50u)
#define PROGRAM             BOTH(0x40u)
#define ERASE               BOTH(0x20u)
#define CONFIRM             BOTH(0xd0u)
#define STATUS_READY        (0x80u)
#define STATUS_ERRORS       (0x3au)

static uint32_t size, block_size;

// One octet of the table that the chip gives in query mode.
static uint32_t query(unsigned index) {
    return WORD(index * 4) & 0xff;
}

bool flash_init(void) {
    WORD(0x55 * 4) = READ_QUERY;
    bool understood = query(0x10) == 'Q' && query(0x11) == 'R' && query(0x12) == 'Y' && query(0x13) == 1;
    if (understood) {
        // Of one chip: the exponent of its size; then of its first region of blocks, their size in units of 256.
        size = 1u << query(0x27);
        block_size = (query(0x2f) | query(0x30) << 8) * 256;
    }
    WORD(0) = READ_ARRAY;
    return understood;
}

uint32_t flash_size(void) {
    return size;
}

uint32_t flash_block_size(void) {
    return block_size;
}

void flash_read(uint32_t offset, void *into, size_t len) {
    memcpy(into, (const void *)(BOARD_FLASH + offset), len);
}

// Waits until the command at this place is done.
static bool is_done(uint32_t offset) {
    uint32_t status;
    do {
        status = WORD(offset);
    } while (!(status & STATUS_READY));
    return !(status & STATUS_ERRORS);
}

bool flash_write(uint32_t offset, const void *from, size_t len) {
    const uint8_t *octets = from;
    bool good = true;
    for (size_t done = 0; done < len && good; done += 4) {
        uint32_t word;
        memcpy(&word, octets + done, sizeof(word));
        WORD(offset + done) = PROGRAM;
        WORD(offset + done) = word;
        good = is_done(offset + done);
    }
    WORD(offset) = CLEAR_STATUS;
    WORD(offset) = READ_ARRAY;
    return good;
}

bool flash_erase(uint32_t offset) {
    WORD(offset) = ERASE;
    WORD(offset) = CONFIRM;
    bool good = is_done(offset);
    WORD(offset) = CLEAR_STATUS;
    WORD(offset) = READ_ARRAY;
    return good;
}
