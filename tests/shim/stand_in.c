// The functions of umqtt_shim.h over memory, and the functions of umqtt.h called from C.
#include "stand_in.h"

#include "py/mperrno.h"

#include <stdlib.h>
#include <string.h>

static void enter_again(stand_in_t *self) {
    if (self->entered != NULL) {
        umqtt_step_t step = { .client = self };
        self->status = umqtt_poll(self->entered, &step, UMQTT_AWAIT_MESSAGE);
    }
}

ptrdiff_t umqtt_stream_read(void *client, uint8_t *data, size_t len) {
    stand_in_t *self = client;
    ++self->reads;
    enter_again(self);
    if (self->input_len == 0) {
        return self->when_empty;
    }
    if (len > self->most) {
        len = self->most;
    }
    if (len > self->input_len) {
        len = self->input_len;
    }
    memcpy(data, self->input, len);
    self->input += len;
    self->input_len -= len;
    return (ptrdiff_t)(len + self->lies);
}

static size_t put(stand_in_t *self, const uint8_t *data, size_t len) {
    size_t room = self->output_max - self->output_len;
    if (len > room) {
        len = room;
    }
    if (len > 0) {
        memcpy(self->output + self->output_len, data, len);
        self->output_len += len;
    }
    return len;
}

ptrdiff_t umqtt_stream_write(void *client, const uint8_t *first, size_t first_len, const uint8_t *second, size_t second_len) {
    stand_in_t *self = client;
    ++self->writes;
    enter_again(self);
    if (self->output_len == self->output_max) {
        return self->when_full;
    }
    self->written_from = first;
    self->written_second = second;
    size_t len = put(self, first, first_len);
    len += put(self, second, second_len);
    return (ptrdiff_t)(len + self->lies);
}

bool umqtt_stream_short_read_drains(void *client) {
    stand_in_t *self = client;
    return self->short_read_drains;
}

void umqtt_panic(void) {
    abort();
}

size_t stand_in_layout(size_t *numbers) {
    const size_t layout[] = {
        sizeof(umqtt_state_t), _Alignof(umqtt_state_t),
        sizeof(umqtt_octets_t), offsetof(umqtt_octets_t, data), offsetof(umqtt_octets_t, len),
        sizeof(umqtt_room_t), offsetof(umqtt_room_t, data), offsetof(umqtt_room_t, len),
        sizeof(umqtt_step_t), offsetof(umqtt_step_t, client), offsetof(umqtt_step_t, now_ms),
        offsetof(umqtt_step_t, may_read), offsetof(umqtt_step_t, lends), offsetof(umqtt_step_t, packet_topic),
        offsetof(umqtt_step_t, packet_payload), offsetof(umqtt_step_t, room), offsetof(umqtt_step_t, begun),
        offsetof(umqtt_step_t, slot), offsetof(umqtt_step_t, want), offsetof(umqtt_step_t, field),
        offsetof(umqtt_step_t, body), offsetof(umqtt_step_t, qos), offsetof(umqtt_step_t, packet_identifier),
        offsetof(umqtt_step_t, code), offsetof(umqtt_step_t, wait_ms), offsetof(umqtt_step_t, come),
        offsetof(umqtt_step_t, total), offsetof(umqtt_step_t, topic), offsetof(umqtt_step_t, payload),
        sizeof(umqtt_connect_t), offsetof(umqtt_connect_t, field),
        offsetof(umqtt_connect_t, will_retain), offsetof(umqtt_connect_t, will_qos),
        offsetof(umqtt_connect_t, clean_session), offsetof(umqtt_connect_t, keep_alive_s),
        offsetof(umqtt_connect_t, answer_timeout_ms),
        sizeof(stand_in_t), offsetof(stand_in_t, when_empty), offsetof(stand_in_t, when_full),
        offsetof(stand_in_t, written_second), offsetof(stand_in_t, lies), offsetof(stand_in_t, status),
    };
    memcpy(numbers, layout, sizeof(layout));
    return sizeof(layout) / sizeof(layout[0]);
}

#define CHECK(fact) do { if (!(fact)) { return __LINE__; } } while (0)

int stand_in_converses(void) {
    static const uint8_t connack[] = { 0x20, 2, 0, 0 };
    static const uint8_t incoming[] = { 0x40, 2, 0, 1, 0x32, 7, 0, 1, 't', 0, 9, 'h', 'i' };
    static const uint8_t expected[] = {
        0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 1, 'c', // CONNECT
        0x32, 7, 0, 1, 't', 0, 1, 'h', 'o', // PUBLISH
        0x40, 2, 0, 9, // PUBACK
        0xE0, 0, // DISCONNECT
    };
    uint8_t output[sizeof(expected) + 1];
    stand_in_t stream = {
        .input = connack, .input_len = sizeof(connack), .most = SIZE_MAX, .when_empty = UMQTT_STREAM_FAILED - MP_EAGAIN,
        .output = output, .output_max = sizeof(output),
    };
    umqtt_state_t state = { 0 };
    umqtt_init(&state, 0);
    CHECK(!umqtt_is_open(&state));

    umqtt_step_t step = { .client = &stream, .may_read = true, .takes = true, .attends = true };
    umqtt_connect_t connect = {
        .field = { [UMQTT_CLIENT_ID] = { (const uint8_t *)"c", 1 } }, .clean_session = true, .keep_alive_s = 60, .answer_timeout_ms = 1000,
    };
    CHECK(umqtt_connect(&state, &step, &connect, true) == UMQTT_DONE);
    CHECK(umqtt_connect(&state, &step, &connect, false) == UMQTT_DONE);
    CHECK(umqtt_is_open(&state));

    step.lends = true;
    step.packet_topic = (umqtt_octets_t) { (const uint8_t *)"t", 1 };
    step.packet_payload = (umqtt_octets_t) { (const uint8_t *)"ho", 2 };
    CHECK(umqtt_begin(&state, &step, UMQTT_PUBLISH, 1, false) == UMQTT_WAIT);
    CHECK(step.want == UMQTT_WANT_READ && step.wait_ms == 1000);
    uint8_t slot = step.begun;
    CHECK(umqtt_slots_in_use(&state) == 1u << slot);

    step.lends = false;
    stream.input = incoming;
    stream.input_len = sizeof(incoming);
    CHECK(umqtt_poll(&state, &step, slot) == UMQTT_DONE);
    CHECK(umqtt_slots_in_use(&state) == 0);

    CHECK(umqtt_poll(&state, &step, UMQTT_AWAIT_MESSAGE) == UMQTT_MESSAGE);
    CHECK(step.body == UMQTT_BODY_BUFFERED && step.qos == 1 && step.packet_identifier == 9);
    CHECK(step.topic.len == 1 && memcmp(step.topic.data, "t", 1) == 0);
    CHECK(step.payload.len == 2 && memcmp(step.payload.data, "hi", 2) == 0);
    umqtt_message(&state, UMQTT_TAKE, step.qos, step.packet_identifier);
    CHECK(umqtt_message(&state, UMQTT_PROMISE, step.qos, step.packet_identifier));
    umqtt_message(&state, UMQTT_ACKNOWLEDGE, step.qos, step.packet_identifier);
    CHECK(umqtt_poll(&state, &step, UMQTT_AWAIT_FLUSHED) == UMQTT_DONE);

    CHECK(umqtt_disconnect(&state, &step) == UMQTT_DONE);
    CHECK(umqtt_poll(&state, &step, UMQTT_AWAIT_FLUSHED) == UMQTT_DONE);
    CHECK(umqtt_poll(&state, &step, UMQTT_AWAIT_END) == UMQTT_WAIT);
    CHECK(step.want == UMQTT_WANT_READ && step.wait_ms == UMQTT_FOREVER);
    umqtt_close(&state);
    CHECK(!umqtt_is_open(&state));
    CHECK(umqtt_poll(&state, &step, UMQTT_AWAIT_MESSAGE) == UMQTT_NOT_CONNECTED);
    CHECK(stream.output_len == sizeof(expected) && memcmp(output, expected, sizeof(expected)) == 0);
    return 0;
}
