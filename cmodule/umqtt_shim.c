// The client's stream as Rust sees it: calls that never wait and never raise.
#include "mqttclient.h"

#if UMQTT_UNIX
#include <sys/uio.h>
#include <unistd.h>
#endif

// A call of the stream protocol under nlr_push. The error code is set before, because some ports do not set it.
typedef enum { STREAM_READ, STREAM_WRITE } stream_call_t;

#if !UMQTT_UNIX
// Whether a socket would block. Some ports' sockets then run what is pending, which may ask for this very client, so they are not
// tried in vain. May raise. (Under TLS they are: whether it holds octets that it has decrypted, only a read tells. And the scheduler cannot be
// locked meanwhile, since no thread gives up the GIL as long as it is.)
static bool would_block(mqttclient_obj_t *self, stream_call_t call) {
    mp_uint_t wanted = (call == STREAM_READ ? MP_STREAM_POLL_RD : MP_STREAM_POLL_WR) | MP_STREAM_POLL_ERR | MP_STREAM_POLL_HUP;
    int errcode;
    return self->stream == self->sock && mp_get_stream(self->sock)->ioctl(self->sock, MP_STREAM_POLL, wanted, &errcode) == 0;
}
#endif

static ptrdiff_t stream_call(mqttclient_obj_t *self, stream_call_t call, void *data, size_t len) {
    mp_obj_t stream = self->stream;
    if (stream == MP_OBJ_NULL) {
        return 0;
    }
    int errcode = 0;
    mp_uint_t result;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        #if !UMQTT_UNIX
        if (would_block(self, call)) {
            nlr_pop();
            return UMQTT_STREAM_FAILED - MP_EAGAIN;
        }
        #endif
        const mp_stream_p_t *protocol = mp_get_stream(stream);
        if (call == STREAM_READ) {
            result = protocol->read(stream, data, len, &errcode);
        } else {
            result = protocol->write(stream, data, len, &errcode);
        }
        nlr_pop();
    } else {
        mp_obj_t raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        if (mp_obj_exception_match(raised, MP_OBJ_FROM_PTR(&mp_type_OSError))) {
            mp_obj_t number = mp_obj_exception_get_value(raised);
            if (mp_obj_is_small_int(number)) {
                // As good as returned. Some sockets tell in this way that they are not connected yet.
                return UMQTT_STREAM_FAILED - (ptrdiff_t)(int16_t)MP_OBJ_SMALL_INT_VALUE(number);
            }
        }
        if (!mp_obj_exception_match(raised, MP_OBJ_FROM_PTR(&mp_type_Exception))) {
            // Ctrl-C in a call that would block. Nothing was moved, and the connection is as good as before.
            umqtt_port_raise_later(raised);
            return UMQTT_STREAM_FAILED - MP_EAGAIN;
        }
        self->raised = raised;
        return UMQTT_STREAM_RAISED;
    }
    if (result != MP_STREAM_ERROR) {
        #if !(UMQTT_UNIX && UMQTT_THREADS)
        self->nap_ms = 0;
        #endif
        return (ptrdiff_t)result;
    }
    return UMQTT_STREAM_FAILED - (ptrdiff_t)errcode;
}

#if UMQTT_UNIX
// A plain socket of this port is a descriptor and nothing more, so the stream's own calls can be passed by. That costs no
// nlr_push, and a large message one system call and one segment less, when header and payload go together.
static bool is_plain(mqttclient_obj_t *self) {
    return self->stream == self->sock && self->fd >= 0;
}

static ptrdiff_t outcome_of(ssize_t moved) {
    if (moved >= 0) {
        return moved;
    }
    return UMQTT_STREAM_FAILED - (errno == EINTR ? MP_EAGAIN : errno);
}
#endif

static ptrdiff_t read_some(mqttclient_obj_t *self, uint8_t *data, size_t len) {
    #if UMQTT_UNIX
    #if UMQTT_THREADS
    if (self->has_reader) {
        // Another thread sleeps until something comes; it would not be woken for what this one took away.
        return UMQTT_STREAM_FAILED - MP_EAGAIN;
    }
    #endif
    if (is_plain(self)) {
        return outcome_of(read(self->fd, data, len));
    }
    #endif
    return stream_call(self, STREAM_READ, data, len);
}

static ptrdiff_t write_some(mqttclient_obj_t *self, const uint8_t *first, size_t first_len, const uint8_t *second, size_t second_len) {
    #if UMQTT_UNIX
    if (is_plain(self)) {
        if (second_len == 0) {
            return outcome_of(write(self->fd, first, first_len));
        }
        struct iovec pieces[2] = {
            { (void *)first, first_len },
            { (void *)second, second_len },
        };
        return outcome_of(writev(self->fd, pieces, 2));
    }
    #endif
    if (first_len == 0) {
        return stream_call(self, STREAM_WRITE, (void *)second, second_len);
    }
    return stream_call(self, STREAM_WRITE, (void *)first, first_len);
}

ptrdiff_t umqtt_stream_read(void *client, uint8_t *data, size_t len) {
    mqttclient_obj_t *self = client;
    ptrdiff_t moved = read_some(self, data, len);
    self->bytes_in += UMQTT_EXTRAS && moved > 0 ? (uint32_t)moved : 0;
    return moved;
}

ptrdiff_t umqtt_stream_write(void *client, const uint8_t *first, size_t first_len, const uint8_t *second, size_t second_len) {
    mqttclient_obj_t *self = client;
    ptrdiff_t moved = write_some(self, first, first_len, second, second_len);
    self->bytes_out += UMQTT_EXTRAS && moved > 0 ? (uint32_t)moved : 0;
    return moved;
}

bool umqtt_stream_short_read_drains(void *client) {
    #if UMQTT_UNIX
    mqttclient_obj_t *self = client;
    return self->stream == self->sock;
    #else
    // lwIP's sockets give one segment at a time.
    (void)client;
    return false;
    #endif
}

void umqtt_panic(void) {
    nlr_jump_fail(NULL);
}
