// Runs Rust's steps until what is awaited has come: waits between them, lends buffers, hands messages to the callback.
//
// All of it runs with the mutex held, but for sleeping and for the callback. What raises in between is caught, and raised
// again when the client is in order and the mutex is free.
#include "mqttclient.h"

// The first room that a long message gets; from then on it doubles, as far as octets really come.
#define FIRST_ROOM (2048)

// Statuses of this file, besides those of Rust's steps.
enum {
    POLL_AGAIN = MQTTCLIENT_POLL, // go on with the next step
    DELIVERED = -2, // a message was handed over
    QUEUED = -3, // a message waits in the queue and can be handed over
};

#if UMQTT_THREADS
static void *this_thread(void) {
    return mp_thread_get_state();
}
#endif

// Whether this thread may hand a message over now. Not while a callback is running, but if that callback asks for the next
// message; and a thread that sits in wait_msg comes before one that waits for something else.
static bool may_deliver(mqttclient_obj_t *self, uint8_t awaited) {
    if (self->callback_depth == 0) {
        return self->receivers == 0 || awaited == UMQTT_AWAIT_MESSAGE;
    }
    #if UMQTT_THREADS
    if (self->callback_thread != this_thread()) {
        return false;
    }
    #endif
    return awaited == UMQTT_AWAIT_MESSAGE;
}

// Lends what there is of a long message.
static void lend_fields(mqttclient_obj_t *self, umqtt_step_t *step) {
    for (size_t i = 0; i < 2; ++i) {
        step->room[i].data = self->room[i].data;
        step->room[i].len = self->room[i].alloc;
    }
}

void mqttclient_begin_step(mqttclient_obj_t *self, umqtt_step_t *step) {
    step->client = self;
    step->now_ms = mqttclient_ticks_ms();
    // Under TLS what has come may sit in the stream already, where no sleep on the socket sees it.
    step->may_read = self->stream != self->sock;
    step->lends = false;
    step->begun = UMQTT_NO_SLOT;
    lend_fields(self, step);
}

static int poll_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    step->now_ms = mqttclient_ticks_ms();
    // Another thread, or the callback, may have moved them since.
    lend_fields(self, step);
    int status = umqtt_poll(&self->state, step, awaited);
    step->lends = false;
    return status;
}

// Lends the buffers of the slot that Rust asks for.
static void lend(mqttclient_obj_t *self, umqtt_step_t *step) {
    mp_obj_t objs[2] = { self->slot[step->slot].topic, self->slot[step->slot].msg };
    umqtt_octets_t *octets[2] = { &step->packet_topic, &step->packet_payload };
    for (size_t i = 0; i < 2; ++i) {
        mp_buffer_info_t buffer = { 0 };
        if (objs[i] != MP_OBJ_NULL) {
            // It was a buffer when it came; a failure now leaves it empty, and Rust sees that it has changed.
            mp_get_buffer(objs[i], &buffer, MP_BUFFER_READ);
        }
        octets[i]->data = buffer.buf;
        octets[i]->len = buffer.len;
    }
    step->lends = true;
}

void mqttclient_forget_fields(mqttclient_obj_t *self) {
    for (size_t i = 0; i < 2; ++i) {
        self->room[i].data = NULL;
        self->room[i].alloc = 0;
    }
}

// Gives a long message room for as much again as has come of it. Status: POLL_AGAIN or UMQTT_RAISED.
static int make_room(mqttclient_obj_t *self, umqtt_step_t *step) {
    if (self->callback == mp_const_none) {
        umqtt_decline(&self->state, true);
        return POLL_AGAIN;
    }
    mqttclient_field_t *field = &self->room[step->field];
    size_t alloc = MIN((size_t)step->total, MAX((size_t)step->here * 2, FIRST_ROOM));
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        // One octet more for the NUL that ends a bytes object.
        field->data = m_renew(byte, field->data, field->data == NULL ? 0 : field->alloc + 1, alloc + 1);
        nlr_pop();
    } else {
        self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        umqtt_decline(&self->state, false);
        mqttclient_forget_fields(self);
        return UMQTT_RAISED;
    }
    field->alloc = alloc;
    return POLL_AGAIN;
}

// One object of a message. May raise.
static mp_obj_t field_to_bytes(mqttclient_obj_t *self, umqtt_step_t *step, size_t index) {
    const umqtt_octets_t *octets = index == UMQTT_FIELD_TOPIC ? &step->topic : &step->payload;
    mqttclient_field_t *room = &self->room[index];
    byte *data = room->data;
    if (octets->len == 0) {
        return mp_const_empty_bytes;
    }
    if (step->body != UMQTT_BODY_LENT) {
        data = m_new(byte, octets->len + 1);
        memcpy(data, octets->data, octets->len);
    }
    data[octets->len] = '\0';
    return umqtt_port_bytes(data, octets->len);
}

// Keeps a message for later. May raise.
static void enqueue(mqttclient_obj_t *self, const mqttclient_message_t *message) {
    mqttclient_message_t *queued = m_new_obj(mqttclient_message_t);
    *queued = *message;
    queued->next = NULL;
    mqttclient_message_t **place = &self->queue;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = queued;
}

static void dequeue(mqttclient_obj_t *self, mqttclient_message_t *message) {
    *message = *self->queue;
    self->queue = message->next;
}

// Makes the objects of the message that has just come. False: there is no memory; the exception is in self->raised, and
// the message is not acknowledged, so that the Server keeps it.
static bool take(mqttclient_obj_t *self, umqtt_step_t *step, mqttclient_message_t *message, bool queue_it) {
    message->topic = MP_OBJ_NULL;
    message->payload = MP_OBJ_NULL;
    message->packet_identifier = step->packet_identifier;
    message->qos = step->qos;
    message->connection = self->connection;
    bool taken = true;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        if (step->body != UMQTT_BODY_DROPPED && self->callback != mp_const_none) {
            message->topic = field_to_bytes(self, step, UMQTT_FIELD_TOPIC);
            message->payload = field_to_bytes(self, step, UMQTT_FIELD_PAYLOAD);
        }
        if (queue_it) {
            enqueue(self, message);
        }
        nlr_pop();
    } else {
        self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        taken = false;
    }
    mqttclient_forget_fields(self);
    if (taken) {
        umqtt_taken(&self->state, step->qos, step->packet_identifier);
    }
    return taken;
}

// Runs the callback, without the mutex. False: it raised, and the exception is in self->raised.
static bool call_back(mqttclient_obj_t *self, const mqttclient_message_t *message) {
    mp_obj_t callback = self->callback;
    if (message->topic == MP_OBJ_NULL || callback == mp_const_none) {
        return true;
    }
    bool returned = true;
    #if UMQTT_THREADS
    void *outer_thread = self->callback_thread;
    self->callback_thread = this_thread();
    #endif
    ++self->callback_depth;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mqttclient_unlock(self);
        mp_call_function_2(callback, message->topic, message->payload);
        // Before nlr_pop, as in mqttclient_sleep.
        mqttclient_lock(self);
        nlr_pop();
    } else {
        mqttclient_lock(self);
        self->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        returned = false;
    }
    --self->callback_depth;
    #if UMQTT_THREADS
    self->callback_thread = outer_thread;
    #endif
    // What came meanwhile may be for another thread.
    mqttclient_wake_others(self);
    return returned;
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

// Hands a message over and acknowledges it. Status: DELIVERED or an error, UMQTT_RAISED if the callback raised.
static int deliver(mqttclient_obj_t *self, umqtt_step_t *step, const mqttclient_message_t *message) {
    if (!call_back(self, message)) {
        return UMQTT_RAISED;
    }
    mqttclient_begin_step(self, step);
    while (message->qos > 0 && message->connection == self->connection) {
        int acknowledged = umqtt_delivered(&self->state, message->qos, message->packet_identifier);
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

// Lets go of the objects whose exchange is over.
static void forget_finished(mqttclient_obj_t *self) {
    if (self->slots_held == 0) {
        return;
    }
    uint32_t in_use = umqtt_slots_in_use(&self->state);
    for (size_t i = 0; i < UMQTT_IN_FLIGHT; ++i) {
        if (!(in_use & (1u << i))) {
            self->slot[i].topic = MP_OBJ_NULL;
            self->slot[i].msg = MP_OBJ_NULL;
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
static UMQTT_NORETURN void fail(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, uint8_t connection, int status) {
    mp_obj_t raised = self->raised;
    self->raised = MP_OBJ_NULL;
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
    mqttclient_raise(status, step->code);
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
    step->may_read = true;
    return POLL_AGAIN;
}

// Takes the message that has come and hands it over, or keeps it while a callback runs. Status: POLL_AGAIN if it was kept,
// else that of deliver().
static int message_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    mqttclient_message_t message;
    bool queue_it = self->queue != NULL || !may_deliver(self, awaited);
    if (!take(self, step, &message, queue_it)) {
        return UMQTT_RAISED;
    }
    if (queue_it) {
        mqttclient_wake_others(self);
    }
    return queue_it ? POLL_AGAIN : deliver(self, step, &message);
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
            return deliver(self, step, &message);
        default:
            return status;
    }
}

// Goes on from the status of a first step until what is awaited has come or, if it does not wait, until there is nothing
// to do. The mutex is held before; it is free after, and when this raises.
void mqttclient_run(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, int status, bool waits, uint32_t deadline) {
    uint8_t connection = self->connection;
    bool awaits_message = awaited == UMQTT_AWAIT_MESSAGE;
    bool is_done = false;
    step->lends = false;
    self->receivers += awaits_message;
    while (status != UMQTT_WAIT || waits) {
        status = act_on(self, step, awaited, status, deadline);
        if (status > UMQTT_FULL) {
            self->receivers -= awaits_message;
            fail(self, step, awaited, connection, status);
        }
        is_done |= status == UMQTT_DONE;
        if (awaits_message && (is_done || status == DELIVERED)) {
            break;
        }
        if (self->queue != NULL && may_deliver(self, awaited)) {
            // What came while a callback was running comes before anything newer.
            status = QUEUED;
        } else if (is_done) {
            break;
        } else if (connection != self->connection) {
            self->receivers -= awaits_message;
            step->code = self->lost_errno;
            fail(self, step, awaited, connection, UMQTT_STREAM_ERROR);
        } else {
            status = poll_step(self, step, awaited);
        }
    }
    self->receivers -= awaits_message;
    forget_finished(self);
    mqttclient_wake_others(self);
    mqttclient_unlock(self);
}

// Sees an exchange about topic and msg through, from the status of the step that began it. The mutex is held before; it is
// free after, and when this raises.
void mqttclient_exchange(mqttclient_obj_t *self, umqtt_step_t *step, mp_obj_t topic, mp_obj_t msg, int status) {
    uint8_t awaited = UMQTT_AWAIT_FLUSHED;
    if (step->begun != UMQTT_NO_SLOT && status != UMQTT_DONE) {
        awaited = step->begun;
        // Rust asks for them by the number of the slot, on the next connection too if this one is gone already.
        self->slot[awaited].topic = topic;
        self->slot[awaited].msg = msg;
        self->slots_held |= 1u << awaited;
    }
    mqttclient_run(self, step, awaited, status, true, MQTTCLIENT_NO_DEADLINE);
}
