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

// Whether this thread runs the callback, and is in a method that it has called.
static bool is_in_callback(const mqttclient_obj_t *self) {
    #if UMQTT_THREADS
    return self->callback_depth > 0 && self->callback_thread == umqtt_port_this_thread();
    #else
    return self->callback_depth > 0;
    #endif
}

// Whether this thread may hand a message over now. Not while a callback is running, but if that callback asks for the next
// message; and a thread that sits in wait_msg comes before one that waits for something else. Nor when the time of what it awaits is
// over: the callback may take long.
static bool may_deliver(mqttclient_obj_t *self, const umqtt_step_t *step, uint8_t awaited) {
    if (step->is_late) {
        return false;
    }
    if (self->callback_depth == 0) {
        return self->receivers == 0 || awaited == UMQTT_AWAIT_MESSAGE;
    }
    return awaited == UMQTT_AWAIT_MESSAGE && is_in_callback(self);
}

// Whether there are kept messages and this thread can hand the oldest one over now: at QoS 1 not before there is a place for its
// acknowledgement.
static bool hands_over_kept(mqttclient_obj_t *self, const umqtt_step_t *step, uint8_t awaited) {
    if (self->queue == NULL || !may_deliver(self, step, awaited)) {
        return false;
    }
    const mqttclient_kept_t *kept = self->queue->next;
    return kept->connection != self->connection
           || umqtt_message(&self->state, UMQTT_PROMISE, mqttclient_qos_of(kept->flags), kept->packet_identifier);
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
    step->takes = true;
    step->attends = true;
    step->late = 0;
    step->is_late = false;
    step->begun = UMQTT_NO_SLOT;
    step->deadline_ms = MQTTCLIENT_NO_DEADLINE;
    step->room[0].len = 0;
    step->room[1].len = 0;
}

// One step for what is awaited, at the time of now, with the rooms that a long message has got.
int mqttclient_poll(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    step->now_ms = umqtt_port_ticks_ms();
    step->takes = mqttclient_has_room_to_keep(self);
    for (size_t i = 0; i < 2; ++i) {
        step->room[i].data = self->room[i];
        step->room[i].len = self->room_len[i];
    }
    int status = umqtt_poll(&self->state, step, awaited);
    step->lends = false;
    step->attends = false;
    if (!step->uses_rooms && status != UMQTT_MESSAGE) {
        mqttclient_forget_fields(self);
    }
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
    while ((status = mqttclient_poll(self, step, awaited)) == UMQTT_LEND) {
        lend(self, step);
    }
    return status;
}

// Hands a message over, the one that has just come or the oldest in the queue, and acknowledges it. Status: DELIVERED or an error,
// UMQTT_RAISED if the callback raised.
static int deliver(mqttclient_obj_t *self, umqtt_step_t *step, bool has_just_come) {
    mqttclient_kept_t *kept = NULL;
    uint8_t connection = self->connection;
    bool is_promised = true;
    if (has_just_come) {
        // Without a place for the acknowledgement, in callbacks within callbacks, there is none: the Server sends it again.
        is_promised = umqtt_message(&self->state, UMQTT_PROMISE, step->qos, step->packet_identifier);
    } else {
        kept = self->queue->next;
        connection = kept->connection;
        mqttclient_tell_kept(self, step);
    }
    bool is_through = mqttclient_call_back(self, step, kept);
    uint8_t qos = step->qos;
    if (is_promised && connection == self->connection) {
        umqtt_message(&self->state, is_through ? UMQTT_ACKNOWLEDGE : UMQTT_LEAVE, qos, step->packet_identifier);
    }
    if (!is_through) {
        return UMQTT_RAISED;
    }
    if (qos > 0 && connection == self->connection) {
        uint32_t deadline_ms = step->deadline_ms;
        step->deadline_ms = MQTTCLIENT_NO_DEADLINE;
        int status = mqttclient_flush(self, step, UMQTT_AWAIT_FLUSHED);
        step->deadline_ms = deadline_ms;
        if (status > UMQTT_FULL) {
            return status;
        }
    }
    step->may_read = self->stream != self->sock;
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
void mqttclient_forget_finished(mqttclient_obj_t *self) {
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

#if UMQTT_EXTRAS
// A number for this thread, not 0. Two threads have the same one once in 65,535 times.
static uint16_t number_of_thread(void) {
    #if UMQTT_THREADS
    return (uint16_t)((uint32_t)((uintptr_t)umqtt_port_this_thread() >> 4) * 0x9E3779B1 >> 16) | 1;
    #else
    return 1;
    #endif
}

// Whose method has left its message in this slot, if it was this thread's.
bool mqttclient_has_left(const mqttclient_obj_t *self, uint8_t slot) {
    return self->left_by[slot] == number_of_thread();
}

// What an earlier method of this thread has left in the session is not to be taken for what this one leaves.
void mqttclient_forget_left(mqttclient_obj_t *self) {
    uint16_t thread = number_of_thread();
    for (size_t i = 0; i < UMQTT_IN_FLIGHT; ++i) {
        if (self->left_by[i] == thread) {
            self->left_by[i] = 0;
        }
    }
}
#endif

// Puts the client in order after an error, frees the mutex, and raises.
MQTTCLIENT_SHARED UMQTT_NORETURN void mqttclient_fail(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, uint8_t connection, int status) {
    mp_obj_t raised = self->raised;
    self->raised = MP_OBJ_NULL;
    #if UMQTT_EXTRAS
    mqttclient_forget_left(self);
    if (awaited < UMQTT_IN_FLIGHT) {
        self->left_by[awaited] = number_of_thread();
    }
    #endif
    if (connection == self->connection) {
        // Without a connection Rust has decided already which messages it keeps.
        if (awaited < UMQTT_IN_FLIGHT && umqtt_is_open(&self->state)) {
            // In a clean session it is over then: nothing is sent again.
            umqtt_abandon(&self->state, awaited, UMQTT_ABANDON | (status == UMQTT_TIMEOUT && self->clean_session ? UMQTT_FORGET : 0));
        }
        drop_if_closed(self, step, status);
    }
    mqttclient_forget_finished(self);
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

// Sleeps until there may be something to do. Status: POLL_AGAIN, UMQTT_RAISED, or UMQTT_TIMEOUT where it would sleep in vain.
static int wait_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    // A message that is there already waits for another thread's callback, not for the stream; or for a place in the outbox.
    bool has_message = awaited == UMQTT_AWAIT_MESSAGE && self->queue != NULL && !may_deliver(self, step, awaited);
    unsigned want = has_message ? 0 : step->want;
    if (want == 0 && !step->takes && is_in_callback(self)) {
        // All that may be kept is here, so no more is read; and nothing of it is handed over before this callback returns.
        return UMQTT_TIMEOUT;
    }
    if (!mqttclient_sleep(self, want, step->wait_ms)) {
        return UMQTT_RAISED;
    }
    step->may_read = true;
    return POLL_AGAIN;
}

// Hands the message over that has come, or keeps it while a callback runs. Status: that of mqttclient_keep() or of deliver().
static int message_step(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited) {
    bool is_wanted = step->body != UMQTT_BODY_DROPPED && self->callback != mp_const_none;
    if (is_wanted && (self->queue != NULL || !may_deliver(self, step, awaited))) {
        int status = mqttclient_keep(self, step);
        mqttclient_wake_others(self);
        return status;
    }
    return deliver(self, step, true);
}

// Does what a status asks for. The next status.
static int act_on(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, int status) {
    switch (status) {
        case UMQTT_WAIT:
            return wait_step(self, step, awaited);
        case UMQTT_LEND:
            lend(self, step);
            return POLL_AGAIN;
        case UMQTT_ROOM:
            return mqttclient_make_room(self, step);
        case UMQTT_MESSAGE:
            return message_step(self, step, awaited);
        case QUEUED:
            return deliver(self, step, false);
        default:
            return status;
    }
}

// A method has come to its end: frees the mutex.
MQTTCLIENT_SHARED void mqttclient_finish(mqttclient_obj_t *self) {
    mqttclient_forget_finished(self);
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
    step->deadline_ms = deadline;
    self->receivers += awaits_message;
    while (status != UMQTT_WAIT || waits) {
        status = act_on(self, step, awaited, status);
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
        if (status == DELIVERED && !mqttclient_run_pending(self)) {
            // Ctrl-C comes between two messages, also where there is always a next one.
            status = UMQTT_RAISED;
            break;
        }
        if (status != DELIVERED && hands_over_kept(self, step, awaited)) {
            // What came while a callback was running comes before anything newer. Between two of these a step looks at the time; and
            // one of them is enough when what is awaited is here, there may be thousands.
            status = QUEUED;
        } else if (is_done) {
            break;
        } else if (connection != self->connection) {
            step->code = self->lost_errno;
            status = UMQTT_STREAM_ERROR;
            break;
        } else if (step->is_late && ++step->late == 0) {
            // What was here when the time was over is dealt with; a Server that sends without end is not awaited.
            status = UMQTT_TIMEOUT;
            break;
        } else {
            status = mqttclient_poll(self, step, awaited);
            if (status == UMQTT_WAIT && hands_over_kept(self, step, awaited)) {
                status = QUEUED;
            }
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
    #if UMQTT_EXTRAS
    self->left_by[slot] = 0;
    #endif
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
