// Stands in for cmodule/umqtt_shim.c in tests on the host: the client's stream is memory. tests/ffi.rs has the same struct.
#ifndef STAND_IN_H
#define STAND_IN_H

#include "umqtt.h"
#include "umqtt_shim.h"

// What a test gives umqtt.h as the client.
typedef struct _stand_in_t {
    // Reads: octets that have come, the most that one read gives, and what a read comes to when all are taken.
    const uint8_t *input;
    size_t input_len;
    size_t most;
    ptrdiff_t when_empty;
    // Writes: where octets go, how many of them fit, and what a write comes to when no more do.
    uint8_t *output;
    size_t output_len;
    size_t output_max;
    ptrdiff_t when_full;
    // Where the last write took its octets from, and, of two pieces, those of the second.
    const uint8_t *written_from;
    const uint8_t *written_second;
    // Calls.
    uint32_t reads;
    uint32_t writes;
    // Reads and writes tell this many octets more than they moved.
    size_t lies;
    bool short_read_drains;
    // A client that each read and write enters, as a second thread without a mutex would, and what that came to.
    umqtt_state_t *entered;
    int status;
} stand_in_t;

// The layout of the structs of umqtt.h and of stand_in_t as the C compiler has it: how many numbers were put there.
size_t stand_in_layout(size_t *numbers);

// Publishes and receives a message as cmodule does: 0, or the line in stand_in.c where it went wrong.
int stand_in_converses(void);

#endif // STAND_IN_H
