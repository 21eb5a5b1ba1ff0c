// Runs Rust's steps until what is awaited has come: waits between them, lends buffers, hands messages to the callback.
//
// All of it runs with the mutex held, but for sleeping and for the callback. What raises in between is caught, and raised
// again when the client is in order and the mutex is free.
#include "mqttclient.h"

// A long message gets room for so many times what has come of it, and for so much at least, until there is room for all of
// it: nobody gets memory for a declared length alone. To let a room grow is a search of the heap, and one that moves lies beside
// the old one for a moment: so that it happens once at most on a small device, the factor is large.
#define FIRST_ROOM (2048)
#define ROOM_GROWTH (64)

// Statuses of this file, besides those of Rust's steps.
enum {
    POLL_AGAIN = MQTTCLIENT_POLL, // go on with the next step
    DELIVERED = -2, // a message was handed over
    QUEUED = -3, // a message waits in the queue and can be handed over
    NO_MEMORY = UINT8_MAX, // an error: for step->code octets
};

// Whether this thread may hand a message over now. Not while a callback is running, but if that callback asks for the next
// message; and a thread that sits in wait_msg comes before one that waits for something else.
static bool may_deliver(mqttclient_obj_t *self, uint8_t awaited) {
    if (self->callback_depth == 0) {
        return self->receivers == 0 || awaited == UMQTT_AWAIT_MESSAGE;
    }
    #if UMQTT_THREADS
    if (self->callback_thread != umqtt_port_this_thread()) {
        return false;
    }
    #endif
    return awaited == UMQTT_AWAIT_MESSAGE;
}

// The octets of a str or bytes-like object. False: it is none, and has no octets.
bool mqttclient_octets(mp_obj_t obj, umqtt_octets_t *octets) {
    #if UMQTT_QUICK
    if (obj != MP_OBJ_NULL && mp_obj_is_str_or_bytes(obj)) {
        // Most are, and this is a third of the work.
        GET_STR_DATA_LEN(obj, data, len);
        octets->data = data;
        octets->len = len;
        return true;
    }
    #endif
    mp_buffer_info_t buffer = { 0 };
    bool is_buffer = obj != MP_OBJ_NULL && mp_get_buffer(obj, &buffer, MP_BUFFER_READ);
    octets->data = buffer.buf;
    octets->len = buffer.len;
    return is_buffer;
}

void mqttclient_begin_step(mqttclient_obj_t *self, umqtt_step_t *step) {
    step->client = self;
    step->now_ms = umqtt_port_ticks_ms();
    // Under TLS what has come may sit in the stream already, where no sleep on the socket sees it.
    step->may_read = self->stream != self->sock;
    step->lends = false;
    step->begun = UMQTT_NO_SLOT;
    step->room = self->room;
}

static int poll_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    int status = umqtt_poll(&self->state, step, awaited);
    step->lends = false;
    return status;
}

// Lends the buffers of the slot that Rust asks for.
static void lend(mqttclient_obj_t *self, umqtt_step_t *step) {
    // They were buffers when they came; a failure now leaves them empty, and Rust sees that they have changed.
    mp_obj_t topic = self->slot[step->slot].topic;
    mp_obj_t msg = self->slot[step->slot].msg;
    mqttclient_octets(topic, &step->packet_topic);
    mqttclient_octets(msg, &step->packet_payload);
    step->lends = true;
}

void mqttclient_forget_fields(mqttclient_obj_t *self) {
    for (size_t i = 0; i < 2; ++i) {
        self->room[i].data = NULL;
        self->room[i].len = 0;
    }
}

// Gives a long message room for more than has come of it. Status: POLL_AGAIN or NO_MEMORY.
static int make_room(mqttclient_obj_t *self, umqtt_step_t *step) {
    if (self->callback == mp_const_none) {
        umqtt_decline(&self->state, true);
        return POLL_AGAIN;
    }
    umqtt_room_t *room = &self->room[step->field];
    size_t len = MIN((size_t)step->total, MAX((size_t)step->come * ROOM_GROWTH, FIRST_ROOM));
    // One octet more for the NUL that ends a bytes object.
    byte *data = m_renew_maybe(byte, room->data, room->data == NULL ? 0 : room->len + 1, len + 1, true);
    if (data == NULL) {
        step->code = (int32_t)len;
        umqtt_decline(&self->state, false);
        mqttclient_forget_fields(self);
        return NO_MEMORY;
    }
    room->data = data;
    room->len = len;
    return POLL_AGAIN;
}

// An object of octets that lie in Rust's buffer, or in this room. May raise.
static mp_obj_t to_bytes(const umqtt_octets_t *octets, byte *room) {
    if (octets->len == 0) {
        return mp_const_empty_bytes;
    }
    if (room == NULL) {
        room = m_new(byte, octets->len + 1);
        memcpy(room, octets->data, octets->len);
    }
    room[octets->len] = '\0';
    return umqtt_port_bytes(room, octets->len);
}

// The topic of the message before, if it is that of this one, too, else MP_OBJ_NULL. Nobody can change such an object, so it
// serves once more: most messages come on the topic of the one before, and its two blocks of heap are more work than
// all the rest of a small message.
static mp_obj_t last_topic(mqttclient_obj_t *self, const umqtt_step_t *step) {
    #if UMQTT_QUICK
    if (self->last_topic != MP_OBJ_NULL && step->body != UMQTT_BODY_LENT) {
        const mp_obj_str_t *last = MP_OBJ_TO_PTR(self->last_topic);
        if (last->len == step->topic.len && memcmp(last->data, step->topic.data, last->len) == 0) {
            return self->last_topic;
        }
    }
    #else
    (void)self;
    (void)step;
    #endif
    return MP_OBJ_NULL;
}

static uint8_t qos_of(const mqttclient_message_t *message) {
    return message->flags >> 1 & 3;
}

// Takes the message that has just come: makes its objects. May raise; then it is not acknowledged, so that the Server keeps
// it.
static void take(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_message_t *message) {
    message->topic = MP_OBJ_NULL;
    message->packet_identifier = step->packet_identifier;
    message->flags = step->flags;
    message->connection = self->connection;
    if (step->body != UMQTT_BODY_DROPPED && self->callback != mp_const_none) {
        // Rooms are lent for a long message only, and are NULL else.
        mp_obj_t topic = last_topic(self, step);
        if (topic == MP_OBJ_NULL) {
            topic = to_bytes(&step->topic, self->room[UMQTT_FIELD_TOPIC].data);
        }
        message->payload = to_bytes(&step->payload, self->room[UMQTT_FIELD_PAYLOAD].data);
        message->topic = topic;
        #if UMQTT_QUICK
        self->last_topic = topic;
        #endif
    }
    mqttclient_forget_fields(self);
    if (qos_of(message) == 2) {
        // It is not delivered again.
        umqtt_taken(&self->state, 2, message->packet_identifier);
    }
}

static void dequeue(mqttclient_obj_t *self, mqttclient_message_t *message) {
    *message = *self->queue;
    self->queue = message->next;
}

// Takes the message that has just come, and keeps it for later. False: there is no memory, and the exception is in
// self->raised.
static bool keep(mqttclient_obj_t *self, const umqtt_step_t *step) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mqttclient_message_t *message = m_new_obj(mqttclient_message_t);
        message->next = NULL;
        take(self, step, message);
        mqttclient_message_t **place = &self->queue;
        while (*place != NULL) {
            place = &(*place)->next;
        }
        *place = message;
        nlr_pop();
        return true;
    }
    mqttclient_forget_fields(self);
    self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    return false;
}

// Runs the callback, without the mutex. Its objects are made first if the message has just come with this step; else the
// step is NULL. False: there is no memory, as for keep(), or the callback raised; the exception is in self->raised.
static bool call_back(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_message_t *message) {
    volatile bool is_running = false;
    #if UMQTT_THREADS
    void *outer_thread = self->callback_thread;
    #endif
    // One for both: nlr_push is no small part of delivering a small message.
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        if (step != NULL) {
            take(self, step, message);
        }
        mp_obj_t callback = self->callback;
        if (message->topic != MP_OBJ_NULL && callback != mp_const_none) {
            is_running = true;
            #if UMQTT_THREADS
            self->callback_thread = self->owner;
            #endif
            ++self->callback_depth;
            size_t n_args = 2 + self->wants_flags;
            mqttclient_unlock(self);
            mp_obj_t args[3] = { message->topic, message->payload, MP_OBJ_NEW_SMALL_INT(message->flags) };
            mp_call_function_n_kw(callback, n_args, 0, args);
            // Before nlr_pop, as in mqttclient_sleep.
            mqttclient_lock(self);
        }
        nlr_pop();
    } else {
        if (is_running) {
            mqttclient_lock(self);
        } else {
            mqttclient_forget_fields(self);
        }
        self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    }
    if (is_running) {
        --self->callback_depth;
        #if UMQTT_THREADS
        self->callback_thread = outer_thread;
        #endif
        // What came meanwhile may be for another thread.
        mqttclient_wake_others(self);
    }
    return self->raised == MP_OBJ_NULL;
}

// Sends, as far as the stream takes it, what the client itself has to say (UMQTT_AWAIT_FLUSHED), or all that is queued
// (UMQTT_AWAIT_OUTBOX). Status: UMQTT_DONE, UMQTT_WAIT, or an error.
int mqttclient_flush(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    int status;
    step->may_read = false;
    while ((status = poll_step(self, step, awaited)) == UMQTT_LEND) {
        lend(self, step);
    }
    return status;
}

// Hands a message over, which has just come or was kept, and acknowledges it. Status: DELIVERED or an error, UMQTT_RAISED
// if the callback raised.
static int deliver(mqttclient_obj_t *self, umqtt_step_t *step, bool has_just_come, mqttclient_message_t *message) {
    if (!call_back(self, has_just_come ? step : NULL, message)) {
        return UMQTT_RAISED;
    }
    mqttclient_begin_step(self, step);
    uint8_t qos = qos_of(message);
    while (qos > 0 && message->connection == self->connection) {
        int acknowledged = umqtt_delivered(&self->state, qos, message->packet_identifier);
        int status = mqttclient_flush(self, step, UMQTT_AWAIT_FLUSHED);
        if (status > UMQTT_FULL) {
            return status;
        }
        if (acknowledged == UMQTT_DONE) {
            break;
        }
        // Only a callback that used the client itself can have filled it up in the meantime.
        if (status == UMQTT_WAIT && !mqttclient_sleep(self, UMQTT_WANT_WRITE, step->wait_ms)) {
            return UMQTT_RAISED;
        }
    }
    return DELIVERED;
}

static void forget(mqttclient_obj_t *self, size_t slot) {
    self->slot[slot].topic = MP_OBJ_NULL;
    self->slot[slot].msg = MP_OBJ_NULL;
}

#if UMQTT_QUICK
// Lets go of the objects of an exchange that is over: now, while nobody else can have got this slot. Mostly it is the only one,
// and Rust need not be asked then.
void mqttclient_release(mqttclient_obj_t *self, uint8_t slot) {
    forget(self, slot);
    self->slots_held &= ~(1u << slot);
}
#endif

// Lets go of the objects whose exchange is over.
static void forget_finished(mqttclient_obj_t *self) {
    if (self->slots_held == 0) {
        return;
    }
    uint32_t in_use = umqtt_slots_in_use(&self->state);
    for (size_t i = 0; i < UMQTT_IN_FLIGHT; ++i) {
        if (!(in_use & (1u << i))) {
            forget(self, i);
        }
    }
    self->slots_held &= in_use;
}

// The connection is over if Rust says so: closes the stream.
static void drop_if_closed(mqttclient_obj_t *self, umqtt_step_t *step, int status) {
    if (self->stream == MP_OBJ_NULL || self->connecting || umqtt_is_open(&self->state)) {
        return;
    }
    mqttclient_drop(self, status == UMQTT_STREAM_ERROR ? step->code : MP_ECONNRESET);
}

// Puts the client in order after an error, frees the mutex, and raises.
MQTTCLIENT_SHARED UMQTT_NORETURN void mqttclient_fail(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, uint8_t connection, int status) {
    mp_obj_t raised = self->raised;
    self->raised = MP_OBJ_NULL;
    if (UMQTT_EXTRAS) {
        self->failed_slot = awaited;
    }
    if (connection == self->connection) {
        // Without a connection Rust has decided already which messages it keeps.
        if (awaited < UMQTT_IN_FLIGHT && umqtt_is_open(&self->state)) {
            umqtt_abandon(&self->state, awaited);
        }
        drop_if_closed(self, step, status);
    }
    forget_finished(self);
    mqttclient_wake_others(self);
    mqttclient_unlock(self);
    if (status == UMQTT_RAISED) {
        nlr_jump(MP_OBJ_TO_PTR(raised));
    }
    if (status == NO_MEMORY) {
        m_malloc_fail((size_t)step->code);
    }
    mp_obj_t exception = mqttclient_error(status, step->code);
    if (UMQTT_EXTRAS && status > UMQTT_BUSY) {
        // Nobody's but the network's and the Server's.
        mqttclient_note_error(self, exception);
    }
    nlr_jump(MP_OBJ_TO_PTR(exception));
}

// Sleeps until there may be something to do. Status: POLL_AGAIN, UMQTT_RAISED or UMQTT_TIMEOUT.
static int wait_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, uint32_t deadline) {
    uint32_t left_ms = mqttclient_ms_until(deadline);
    if (left_ms == 0) {
        return UMQTT_TIMEOUT;
    }
    // A message that is there already waits for another thread's callback, not for the stream.
    bool has_message = awaited == UMQTT_AWAIT_MESSAGE && self->queue != NULL;
    unsigned want = has_message ? 0 : step->want;
    if (!mqttclient_sleep(self, want, MIN(step->wait_ms, left_ms))) {
        return UMQTT_RAISED;
    }
    step->now_ms = umqtt_port_ticks_ms();
    step->may_read = true;
    return POLL_AGAIN;
}

// Hands the message over that has come, or keeps it while a callback runs. Status: POLL_AGAIN if it was kept, else that of
// deliver().
static int message_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    if (self->queue != NULL || !may_deliver(self, awaited)) {
        bool is_kept = keep(self, step);
        mqttclient_wake_others(self);
        return is_kept ? POLL_AGAIN : UMQTT_RAISED;
    }
    mqttclient_message_t message;
    return deliver(self, step, true, &message);
}

// Does what a status asks for. The next status.
static int act_on(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, int status, uint32_t deadline) {
    mqttclient_message_t message;
    switch (status) {
        case UMQTT_WAIT:
            return wait_step(self, step, awaited, deadline);
        case UMQTT_LEND:
            lend(self, step);
            return POLL_AGAIN;
        case UMQTT_ROOM:
            return make_room(self, step);
        case UMQTT_MESSAGE:
            return message_step(self, step, awaited);
        case QUEUED:
            dequeue(self, &message);
            return deliver(self, step, false, &message);
        default:
            return status;
    }
}

// A method has come to its end: frees the mutex.
MQTTCLIENT_SHARED void mqttclient_finish(mqttclient_obj_t *self) {
    forget_finished(self);
    mqttclient_wake_others(self);
    mqttclient_unlock(self);
}

// Goes on from the status of a first step until what is awaited has come or, if it does not wait, until there is nothing
// to do: whether it has come. The mutex is held before; it is free after, and when this raises.
bool mqttclient_run(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, int status, bool waits, uint32_t deadline) {
    uint8_t connection = self->connection;
    bool awaits_message = awaited == UMQTT_AWAIT_MESSAGE;
    bool is_done = false;
    step->lends = false;
    self->receivers += awaits_message;
    while (status != UMQTT_WAIT || waits) {
        status = act_on(self, step, awaited, status, deadline);
        if (status > UMQTT_FULL) {
            break;
        }
        is_done |= status == UMQTT_DONE;
        if (status == UMQTT_DONE && awaited < UMQTT_IN_FLIGHT) {
            #if UMQTT_QUICK
            mqttclient_release(self, awaited);
            #endif
            // The slot may be another one's, when a message that waited is delivered now and the callback raises.
            awaited = UMQTT_AWAIT_FLUSHED;
        }
        if (awaits_message && (is_done || status == DELIVERED)) {
            break;
        }
        if (self->queue != NULL && may_deliver(self, awaited)) {
            // What came while a callback was running comes before anything newer.
            status = QUEUED;
        } else if (is_done) {
            break;
        } else if (connection != self->connection) {
            step->code = self->lost_errno;
            status = UMQTT_STREAM_ERROR;
            break;
        } else {
            status = poll_step(self, step, awaited);
        }
    }
    self->receivers -= awaits_message;
    if (status > UMQTT_FULL) {
        mqttclient_fail(self, step, awaited, connection, status);
    }
    mqttclient_finish(self);
    return is_done;
}

// Keeps what an exchange is about: Rust asks for it by the number of the slot, on the next connection too if this one is gone
// already.
MQTTCLIENT_SHARED void mqttclient_hold(mqttclient_obj_t *self, uint8_t slot, mp_obj_t topic, mp_obj_t msg) {
    self->slot[slot].topic = topic;
    self->slot[slot].msg = msg;
    self->slots_held |= 1u << slot;
}

// Sees an exchange about topic and msg through, from the status of the step that began it, or does what can be done for it
// without waiting: whether it is over. The mutex is held before; it is free after, and when this raises.
bool mqttclient_exchange(mqttclient_obj_t *self, umqtt_step_t *step, mp_obj_t topic, mp_obj_t msg, int status, bool waits) {
    uint8_t awaited = UMQTT_AWAIT_FLUSHED;
    if (step->begun != UMQTT_NO_SLOT && status != UMQTT_DONE) {
        awaited = step->begun;
        mqttclient_hold(self, awaited, topic, msg);
    }
    return mqttclient_run(self, step, awaited, status, waits, MQTTCLIENT_NO_DEADLINE);
}
