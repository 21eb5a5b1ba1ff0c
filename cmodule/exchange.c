// Runs Rust's steps until what is awaited has come: waits between them, lends buffers, has messages delivered (message.c).
//
// All of it runs with the mutex held, but for sleeping and for the callback. What raises in between is caught, and raised
// again when the client is in order and the mutex is free.
#include "mqttclient.h"

// Statuses of this file, besides those of Rust's steps.
enum {
    POLL_AGAIN = MQTTCLIENT_POLL, // go on with the next step
    DELIVERED = -2, // a message was handed over
    QUEUED = -3, // a message waits in the queue and can be handed over
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

// Takes the oldest message out of the queue.
static void dequeue(mqttclient_obj_t *self, mqttclient_message_t *message) {
    *message = *self->queue;
    self->queue = message->next;
}

// Hands a message over, which has just come or was kept, and acknowledges it. Status: DELIVERED or an error, UMQTT_RAISED
// if the callback raised.
static int deliver(mqttclient_obj_t *self, umqtt_step_t *step, bool has_just_come, mqttclient_message_t *message) {
    if (!mqttclient_call_back(self, has_just_come ? step : NULL, message)) {
        return UMQTT_RAISED;
    }
    mqttclient_begin_step(self, step);
    uint8_t qos = mqttclient_qos_of(message);
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
    if (status == MQTTCLIENT_NO_MEMORY) {
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
        bool is_kept = mqttclient_keep(self, step);
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
            return mqttclient_make_room(self, step);
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
