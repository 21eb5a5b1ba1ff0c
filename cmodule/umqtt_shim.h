// The functions of C, for Rust. Each is a call on the client's stream that never waits; what it raises is caught here and
// kept in the client, so that nothing ever jumps over a Rust frame.
#ifndef UMQTT_SHIM_H
#define UMQTT_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Results of the two calls besides a number of octets. Runs Python: not in itself, the streams that connect() makes are
// built in; but a TLS handshake calls the verify_callback of a user's SSLContext, which mqttclient_lock() keeps out of this
// client. Raises: no.
#define UMQTT_STREAM_RAISED (-1) // the exception waits in the client
#define UMQTT_STREAM_FAILED (-0x10000) // less the stream's error code, which is from -0x8000 (TLS) to 0x7fff

// 0 is the end of the stream.
ptrdiff_t umqtt_stream_read(void *client, uint8_t *data, size_t len);
// Two pieces that follow each other, in one go if the stream can; else as much as it takes of the first that is not empty.
ptrdiff_t umqtt_stream_write(void *client, const uint8_t *first, size_t first_len, const uint8_t *second, size_t second_len);

// Whether a read that gave less than asked for has drained the stream: not under TLS, nor in lwIP.
bool umqtt_stream_short_read_drains(void *client);

// Where a panic would end, if one could be reached: a linked firmware holds no call of it.
void umqtt_panic(void);

#endif // UMQTT_SHIM_H
