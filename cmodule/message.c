// What becomes of a message that has come: room for a long one, its objects, the queue, the callback.
//
// As in exchange.c the mutex is held, but for the callback, and what raises is caught.
#include "mqttclient.h"

// A long message gets room for so many times what has come of it, and for so much at least, until there is room for all of
// it: nobody gets memory for a declared length alone. To let a room grow is a search of the heap, and one that moves lies beside
// the old one for a moment: so that it happens once at most on a small device, the factor is large.
#define FIRST_ROOM (2048)
#define ROOM_GROWTH (64)

void mqttclient_forget_fields(mqttclient_obj_t *self) {
    for (size_t i = 0; i < 2; ++i) {
        self->room[i] = NULL;
        self->room_len[i] = 0;
    }
}

// Gives a long message room for more than has come of it. Status: MQTTCLIENT_POLL or MQTTCLIENT_NO_MEMORY.
int mqttclient_make_room(mqttclient_obj_t *self, umqtt_step_t *step) {
    if (self->callback == mp_const_none) {
        umqtt_decline(&self->state, true);
        mqttclient_forget_fields(self);
        return MQTTCLIENT_POLL;
    }
    size_t old_len = self->room_len[step->field];
    if (old_len > step->come) {
        return MQTTCLIENT_POLL; // there is room, it was only not lent
    }
    byte *old = self->room[step->field];
    size_t len = MIN((size_t)step->total, MAX((size_t)step->come * ROOM_GROWTH, FIRST_ROOM));
    // One octet more for the NUL that ends a bytes object.
    byte *data = m_renew_maybe(byte, old, old == NULL ? 0 : old_len + 1, len + 1, true);
    if (data == NULL) {
        step->code = (int32_t)len;
        umqtt_decline(&self->state, false);
        mqttclient_forget_fields(self);
        return MQTTCLIENT_NO_MEMORY;
    }
    self->room[step->field] = data;
    self->room_len[step->field] = len;
    return MQTTCLIENT_POLL;
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

// Makes the objects of a message that has just come, unless nobody wants it. May raise; then it is not acknowledged, so that the
// Server keeps it.
static void take_new(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_message_t *message) {
    message->topic = MP_OBJ_NULL;
    message->packet_identifier = step->packet_identifier;
    message->flags = step->flags;
    message->connection = self->connection;
    if (step->body != UMQTT_BODY_DROPPED && self->callback != mp_const_none) {
        // The rooms are this message's if it says so; whatever else they hold is another's.
        bool is_long = step->body == UMQTT_BODY_LENT;
        mp_obj_t topic = last_topic(self, step);
        if (topic == MP_OBJ_NULL) {
            topic = to_bytes(&step->topic, is_long ? self->room[UMQTT_FIELD_TOPIC] : NULL);
        }
        message->payload = to_bytes(&step->payload, is_long ? self->room[UMQTT_FIELD_PAYLOAD] : NULL);
        message->topic = topic;
        #if UMQTT_QUICK
        self->last_topic = topic;
        #endif
    }
    mqttclient_forget_fields(self);
    if (mqttclient_qos_of(message->flags) == 2) {
        // It is not delivered again.
        umqtt_taken(&self->state, 2, message->packet_identifier);
    }
}

// How much of the heap a kept message takes, in units of 16 octets. (A huge one counts for less: nothing is kept beside it anyway.)
static uint16_t charge_of(const mqttclient_kept_t *kept) {
    size_t len = sizeof(*kept) + kept->topic_len + kept->payload_len;
    return (uint16_t)MIN(len / 16 + 1, INT16_MAX);
}

// Whether more messages may be kept. If not, they stay with the Server until those that are kept have been handed over.
bool mqttclient_has_room_to_keep(const mqttclient_obj_t *self) {
    return self->kept_16 < UMQTT_KEPT / 16;
}

// Makes the objects of the oldest kept message, and takes it out of the queue. May raise; then it stays there.
static void take_kept(mqttclient_obj_t *self, mqttclient_message_t *message) {
    mqttclient_kept_t *kept = self->queue->next;
    message->topic = MP_OBJ_NULL;
    message->packet_identifier = kept->packet_identifier;
    message->flags = kept->flags;
    message->connection = kept->connection;
    if (self->callback != mp_const_none) {
        umqtt_octets_t topic = { kept->body.octets, kept->topic_len };
        umqtt_octets_t payload = { kept->body.octets + kept->topic_len, kept->payload_len };
        mp_obj_t topic_obj = to_bytes(&topic, kept->is_long ? kept->body.room[UMQTT_FIELD_TOPIC] : NULL);
        message->payload = to_bytes(&payload, kept->is_long ? kept->body.room[UMQTT_FIELD_PAYLOAD] : NULL);
        message->topic = topic_obj;
    }
    self->kept_16 -= charge_of(kept);
    if (kept == self->queue) {
        self->queue = NULL;
    } else {
        self->queue->next = kept->next;
    }
}

// A message that nobody wants is not kept, only acknowledged.
static void let_go(mqttclient_obj_t *self, const umqtt_step_t *step) {
    umqtt_taken(&self->state, step->qos, step->packet_identifier);
    if (umqtt_promise(&self->state, step->qos, step->packet_identifier)) {
        umqtt_delivered(&self->state, step->qos, step->packet_identifier, true);
    }
}

// Keeps the message that has just come until it can be handed over. Status: MQTTCLIENT_POLL; or MQTTCLIENT_NO_MEMORY, and it stays
// where it is.
int mqttclient_keep(mqttclient_obj_t *self, umqtt_step_t *step) {
    if (step->body == UMQTT_BODY_DROPPED || self->callback == mp_const_none) {
        let_go(self, step);
        return MQTTCLIENT_POLL;
    }
    bool is_long = step->body == UMQTT_BODY_LENT;
    size_t len = is_long ? 0 : step->topic.len + step->payload.len;
    size_t size = MAX(offsetof(mqttclient_kept_t, body) + len, sizeof(mqttclient_kept_t));
    mqttclient_kept_t *kept = m_malloc_maybe(size);
    if (kept == NULL) {
        umqtt_put_back(&self->state);
        step->code = (int32_t)size;
        return MQTTCLIENT_NO_MEMORY;
    }
    kept->payload_len = (uint32_t)step->payload.len;
    kept->topic_len = (uint16_t)step->topic.len;
    kept->packet_identifier = step->packet_identifier;
    kept->flags = step->flags;
    kept->connection = self->connection;
    kept->is_long = is_long;
    if (is_long) {
        memcpy(kept->body.room, self->room, sizeof(kept->body.room));
        mqttclient_forget_fields(self);
    } else {
        memcpy(kept->body.octets, step->topic.data, step->topic.len);
        memcpy(kept->body.octets + step->topic.len, step->payload.data, step->payload.len);
    }
    kept->next = self->queue == NULL ? kept : self->queue->next;
    if (self->queue != NULL) {
        self->queue->next = kept;
    }
    self->queue = kept;
    self->kept_16 += charge_of(kept);
    if (step->qos == 2) {
        umqtt_taken(&self->state, 2, step->packet_identifier);
    }
    return MQTTCLIENT_POLL;
}

// Runs the callback, without the mutex, for the message that has just come with this step or, if that is NULL, for the oldest one in
// the queue. False: there was no memory for its objects, or the callback raised; the exception is in self->raised.
bool mqttclient_call_back(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_message_t *message) {
    volatile bool is_running = false;
    #if UMQTT_THREADS
    void *outer_thread = self->callback_thread;
    #endif
    // One for both: nlr_push is no small part of delivering a small message.
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        if (step != NULL) {
            take_new(self, step, message);
        } else {
            take_kept(self, message);
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
        } else if (step != NULL) {
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
