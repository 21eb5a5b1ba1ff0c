// The functions of Rust, for C. None of them waits, raises or runs Python; the only C they call is umqtt_shim.h.
#ifndef UMQTT_H
#define UMQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Build settings; the Rust side is built with the same.
#ifndef UMQTT_RX_BUFFER
#define UMQTT_RX_BUFFER (768) // octets of the receive buffer
#endif
#ifndef UMQTT_IN_FLIGHT
#define UMQTT_IN_FLIGHT (6) // exchanges under way at once
#endif
#ifndef UMQTT_INCOMING
#define UMQTT_INCOMING (24) // groups of 32 neighbouring QoS 2 identifiers received and not yet released
#endif

#ifndef UMQTT_WINDOW
#define UMQTT_WINDOW (512) // octets of a packet that are put together on the stack for one write
#endif

#ifndef UMQTT_KEPT
#define UMQTT_KEPT (262144) // octets of messages that are kept while a callback runs, from where on no more are read
#endif

#if UMQTT_KEPT > 524288
#error "UMQTT_KEPT is at most 524288: it is counted in units of 16 octets, in 16 bits"
#endif

#ifndef UMQTT_QUICK
#define UMQTT_QUICK (0) // short ways for what happens most, for some more code
#endif

#ifndef UMQTT_EXTRAS
#define UMQTT_EXTRAS (0) // what goes beyond the guide and other modules are made of: stats.c, asynchronous.c, package.c
#endif

// Memory for the state of one client. Plain octets: no pointer, no Python object. Rust checks when it is compiled that its
// state fits.
#define UMQTT_STATE_SIZE (UMQTT_RX_BUFFER + 12 * UMQTT_IN_FLIGHT + 6 * UMQTT_INCOMING + 164)
typedef struct _umqtt_state_t {
    uint32_t words[(UMQTT_STATE_SIZE + 3) / 4];
} umqtt_state_t;

typedef struct _umqtt_octets_t {
    const uint8_t *data; // may be NULL if len is 0
    size_t len;
} umqtt_octets_t;

typedef struct _umqtt_room_t {
    uint8_t *data; // may be NULL if len is 0
    size_t len;
} umqtt_room_t;

// What a call came to. Up to UMQTT_FULL nothing is wrong; each of the others becomes an exception.
enum {
    UMQTT_DONE, // what was awaited is there
    UMQTT_WAIT, // wait as step->want and step->wait_ms say, and poll again
    UMQTT_LEND, // poll again with the topic and payload of step->slot
    UMQTT_ROOM, // poll again with more room for step->field
    UMQTT_MESSAGE, // a message came: step->topic and so on
    UMQTT_FULL, // no room for now: await UMQTT_AWAIT_OUTBOX, or UMQTT_AWAIT_ROOM for an exchange
    // The caller's doing.
    UMQTT_NOT_CONNECTED,
    UMQTT_TOPIC_EMPTY,
    UMQTT_TOPIC_TOO_LONG,
    UMQTT_TOPIC_NOT_UTF8,
    UMQTT_TOPIC_NUL,
    UMQTT_TOPIC_WILDCARD,
    UMQTT_FIELD_TOO_LONG,
    UMQTT_PACKET_TOO_LONG,
    UMQTT_CHANGED, // a buffer changed its length while it was sent
    UMQTT_BUSY, // entered twice
    // The network's.
    UMQTT_TIMEOUT, // no answer; the connection stays
    UMQTT_STREAM_ERROR, // step->code is the errno: the stream's own, ECONNRESET for its end, ETIMEDOUT for a silent Server
    UMQTT_RAISED, // the stream raised; the exception waits in the client
    // The Server's.
    UMQTT_REFUSED, // step->code is the return code of CONNACK
    UMQTT_SUBSCRIPTION_REFUSED,
    UMQTT_BAD_REMAINING_LENGTH,
    UMQTT_BAD_FLAGS,
    UMQTT_BAD_TYPE,
    UMQTT_BAD_LENGTH,
    UMQTT_BAD_QOS,
    UMQTT_BAD_DUP,
    UMQTT_BAD_IDENTIFIER,
    UMQTT_BAD_TOPIC,
    UMQTT_BAD_CONNACK_FLAGS,
    UMQTT_BAD_CONNACK_CODE,
    UMQTT_BAD_SUBACK_CODE,
    UMQTT_BEFORE_CONNACK,
    UMQTT_SECOND_CONNACK,
    UMQTT_INCOMING_FULL,
};

// What is awaited: a slot's number, or one of these.
enum {
    UMQTT_AWAIT_MESSAGE = 0x80, // or the answer to umqtt_ping
    UMQTT_AWAIT_ROOM, // for an exchange
    UMQTT_AWAIT_ROOM_FOR_MESSAGE, // at QoS 1 or 2; these leave one place to the other exchanges
    UMQTT_AWAIT_OUTBOX,
    UMQTT_AWAIT_FLUSHED,
    UMQTT_AWAIT_END, // of what the Server sends, after DISCONNECT has left
};

enum {
    UMQTT_PUBLISH,
    UMQTT_SUBSCRIBE,
    UMQTT_UNSUBSCRIBE,
};

enum {
    UMQTT_WANT_READ = 1,
    UMQTT_WANT_WRITE = 2,
};

enum {
    UMQTT_FIELD_TOPIC,
    UMQTT_FIELD_PAYLOAD,
};

// Where a message lies.
enum {
    UMQTT_BODY_BUFFERED, // at step->topic and step->payload until the next call
    UMQTT_BODY_LENT, // in the rooms that were lent; step->topic and step->payload tell their length only
    UMQTT_BODY_DROPPED,
};

#define UMQTT_FOREVER (0xffffffff)
#define UMQTT_NO_SLOT (0xff)

// One call of Rust: what goes in, and what came of it. Small fields first: Thumb-2 has short instructions for what lies near.
typedef struct _umqtt_step_t {
    // In.
    bool may_read; // false: nothing can have come, save the call
    bool lends; // packet_topic and packet_payload are those of the slot, or of the exchange to begin
    bool takes; // there is room for messages that cannot be handed over now
    bool attends; // the first step for what a method awaits: PINGRESP is looked for, too
    uint8_t late; // C's own: how many messages have come since the time was over
    // Out.
    bool is_late; // the time is over: what still comes is to be kept, not handed over, since the answer may be behind it
    bool uses_rooms; // false: what the rooms hold is of no use any more, unless a message lies in them now
    uint8_t begun; // the slot of the exchange that the call began; untouched if it began none that needs one
    uint8_t slot; // the slot that UMQTT_LEND asks for; in: the one whose packet is lent
    uint8_t want;
    uint8_t field;
    uint8_t body;
    uint8_t qos;
    uint8_t flags; // of PUBLISH's fixed header, QoS among them
    uint16_t packet_identifier;
    int32_t code;
    uint32_t wait_ms;
    uint32_t come; // octets of step->field that have come, and what may be of the next one
    uint32_t total;
    umqtt_octets_t topic;
    umqtt_octets_t payload;
    // In.
    uint32_t now_ms;
    uint32_t deadline_ms; // of the method, on the same clock; 0: none but that of its exchange
    void *client; // for umqtt_shim.h
    umqtt_octets_t packet_topic;
    umqtt_octets_t packet_payload;
    umqtt_room_t room[2]; // for a long message, each from its first octet on
} umqtt_step_t;

// The fields of CONNECT's payload, in its order.
enum {
    UMQTT_CLIENT_ID,
    UMQTT_WILL_TOPIC,
    UMQTT_WILL_MSG,
    UMQTT_USER,
    UMQTT_PASSWORD,
    UMQTT_CONNECT_FIELDS,
};

typedef struct _umqtt_connect_t {
    bool will_retain;
    uint8_t will_qos;
    bool clean_session;
    uint16_t keep_alive_s;
    uint32_t answer_timeout_ms;
    umqtt_octets_t field[UMQTT_CONNECT_FIELDS]; // data is NULL for one that is not there
} umqtt_connect_t;

// Makes a client that is not connected out of memory that is all zero. Packet Identifiers begin after last_identifier.
void umqtt_init(umqtt_state_t *state, uint16_t last_identifier);

// Checks an argument that becomes a UTF-8 string, or a Topic Name: UMQTT_DONE or what is wrong.
int umqtt_check(const uint8_t *data, size_t len, bool is_topic);

// Begins a connection if the stream is new, then carries it out: UMQTT_DONE or UMQTT_WAIT.
int umqtt_connect(umqtt_state_t *state, umqtt_step_t *step, const umqtt_connect_t *connect, bool is_new);

// Begins an exchange in step->begun with step->packet_topic (and payload), and sends it if that can be done at once. Then poll
// with that slot. UMQTT_DONE: it is over, the slot is free.
int umqtt_begin(umqtt_state_t *state, umqtt_step_t *step, uint8_t exchange, uint8_t qos, bool retain);

// Queue PINGREQ or DISCONNECT: UMQTT_DONE or UMQTT_FULL.
int umqtt_ping(umqtt_state_t *state, umqtt_step_t *step);
int umqtt_disconnect(umqtt_state_t *state, umqtt_step_t *step);

// Does all that can be done without waiting.
int umqtt_poll(umqtt_state_t *state, umqtt_step_t *step, uint8_t awaited);

#if UMQTT_QUICK
// Reads once, for a PUBLISH at QoS 1 that has left. UMQTT_DONE: its PUBACK has come and nothing else. UMQTT_WAIT: poll, with the
// time of now.
int umqtt_puback(umqtt_state_t *state, umqtt_step_t *step, uint8_t slot);
#endif

// What becomes of a message that came.
enum {
    UMQTT_TAKE, // it has been taken over
    UMQTT_PROMISE, // it is about to be handed over: a place is kept for its acknowledgement; false if none is free
    UMQTT_ACKNOWLEDGE, // then the caller is through with it
    UMQTT_LEAVE, // or has failed: it is not acknowledged
    UMQTT_DROP, // the long message that is coming in is not wanted
    UMQTT_REFUSE, // or there is no memory for it, so it is not acknowledged
};
bool umqtt_message(umqtt_state_t *state, uint8_t act, uint8_t qos, uint16_t packet_identifier);

// Nobody awaits this slot any longer; a message of it that nobody awaits is forgotten, and not sent again. Either, or both.
enum { UMQTT_ABANDON = 1, UMQTT_FORGET = 2 };
void umqtt_abandon(umqtt_state_t *state, uint8_t slot, uint8_t how);

// The stream is gone.
void umqtt_close(umqtt_state_t *state);

// What was counted since the client was made, in numbers that wrap, and what CONNACK told.
typedef struct _umqtt_counts_t {
    uint32_t packets_out;
    uint32_t packets_in;
    uint32_t connects; // with a CONNACK that accepted
    uint32_t in_flight; // messages at QoS 1 and 2 that are kept until they are acknowledged
    uint32_t round_trip_ms; // of the exchange that ended last; 0 before any has
    bool session_present;
} umqtt_counts_t;
void umqtt_count(umqtt_state_t *state, umqtt_counts_t *counts);

// Whether a poll has a packet to deal with before it needs octets from the stream.
bool umqtt_has_packet(umqtt_state_t *state);

bool umqtt_is_open(umqtt_state_t *state);
uint32_t umqtt_slots_in_use(umqtt_state_t *state);

#endif // UMQTT_H
