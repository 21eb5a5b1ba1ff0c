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
        umqtt_message(&self->state, UMQTT_DROP, 0, 0);
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
        umqtt_message(&self->state, UMQTT_REFUSE, 0, 0);
        mqttclient_forget_fields(self);
        return MQTTCLIENT_NO_MEMORY;
    }
    self->room[step->field] = data;
    self->room_len[step->field] = len;
    return MQTTCLIENT_POLL;
}

// An object of octets: those that lie in this room or, if that is NULL, a copy of these. May raise.
static mp_obj_t to_bytes(const byte *data, size_t len, byte *room) {
    if (len == 0) {
        return mp_const_empty_bytes;
    }
    if (room == NULL) {
        room = m_new(byte, len + 1);
        memcpy(room, data, len);
    }
    room[len] = '\0';
    return umqtt_port_bytes(room, len);
}

// The same for a topic that lies in Rust's buffer. If the message before had the same one, its object serves once more, since nobody
// can change it: most messages come on the topic of the one before, and its two blocks of heap are more work than all the rest
// of a small message. May raise.
static mp_obj_t to_topic(mqttclient_obj_t *self, const umqtt_octets_t *topic) {
    #if UMQTT_QUICK
    if (self->last_topic != MP_OBJ_NULL) {
        const mp_obj_str_t *last = MP_OBJ_TO_PTR(self->last_topic);
        if (last->len == topic->len && memcmp(last->data, topic->data, last->len) == 0) {
            return self->last_topic;
        }
    }
    self->last_topic = MP_OBJ_NULL;
    self->last_topic = to_bytes(topic->data, topic->len, NULL);
    return self->last_topic;
    #else
    (void)self;
    return to_bytes(topic->data, topic->len, NULL);
    #endif
}

// Whether more messages may be kept. If not, they stay with the Server until those that are kept have been handed over.
bool mqttclient_has_room_to_keep(const mqttclient_obj_t *self) {
    return self->kept_16 < UMQTT_KEPT / 16;
}

// Keeps the message that has just come until it can be handed over. Status: MQTTCLIENT_POLL; or MQTTCLIENT_NO_MEMORY, and it is not
// acknowledged, so that the Server keeps it.
int mqttclient_keep(mqttclient_obj_t *self, umqtt_step_t *step) {
    bool is_long = step->body == UMQTT_BODY_LENT;
    size_t len = is_long ? 0 : step->topic.len + step->payload.len;
    size_t size = MAX(offsetof(mqttclient_kept_t, body) + len, sizeof(mqttclient_kept_t));
    mqttclient_kept_t *kept = m_malloc_maybe(size);
    if (kept == NULL) {
        mqttclient_forget_fields(self);
        step->code = (int32_t)size;
        return MQTTCLIENT_NO_MEMORY;
    }
    kept->payload_len = (uint32_t)step->payload.len;
    kept->topic_len = (uint16_t)step->topic.len;
    kept->packet_identifier = step->packet_identifier;
    kept->flags = step->flags;
    kept->connection = self->connection;
    kept->is_long = is_long;
    // Of a huge one less is counted: nothing is kept beside it anyway.
    kept->size_16 = (uint16_t)MIN((sizeof(*kept) + step->topic.len + step->payload.len) / 16 + 1, INT16_MAX);
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
    self->kept_16 += kept->size_16;
    umqtt_message(&self->state, UMQTT_TAKE, step->qos, step->packet_identifier);
    return MQTTCLIENT_POLL;
}

// Makes the objects of the message of this step, unless nobody wants it: topic, payload and flags. May raise; then it stays where it
// is, or is not acknowledged, so that the Server keeps it. Whether somebody wants it.
static bool make_objects(mqttclient_obj_t *self, const umqtt_step_t *step, byte *const *room, mp_obj_t *objects) {
    if (step->body == UMQTT_BODY_DROPPED || self->callback == mp_const_none) {
        return false;
    }
    // The rooms are this message's if it says so; whatever else they hold is another's.
    bool is_long = step->body == UMQTT_BODY_LENT;
    objects[0] = is_long ? to_bytes(room[UMQTT_FIELD_TOPIC], step->topic.len, room[UMQTT_FIELD_TOPIC]) : to_topic(self, &step->topic);
    objects[1] = to_bytes(step->payload.data, step->payload.len, is_long ? room[UMQTT_FIELD_PAYLOAD] : NULL);
    objects[2] = MP_OBJ_NEW_SMALL_INT(step->flags);
    return true;
}

// The step tells of the oldest kept message, as if it had just come.
void mqttclient_tell_kept(mqttclient_obj_t *self, umqtt_step_t *step) {
    mqttclient_kept_t *kept = self->queue->next;
    step->body = kept->is_long ? UMQTT_BODY_LENT : UMQTT_BODY_BUFFERED;
    step->topic = (umqtt_octets_t) { kept->body.octets, kept->topic_len };
    step->payload = (umqtt_octets_t) { kept->body.octets + kept->topic_len, kept->payload_len };
    step->flags = kept->flags;
    step->qos = mqttclient_qos_of(kept->flags);
    step->packet_identifier = kept->packet_identifier;
}

// The oldest kept message has its objects.
static void unlink_kept(mqttclient_obj_t *self, mqttclient_kept_t *kept) {
    self->kept_16 -= kept->size_16;
    self->queue->next = kept->next;
    if (kept == self->queue) {
        self->queue = NULL;
    }
}

// Runs the callback, without the mutex, for the message of this step, which has just come or is this kept one. False: there was no
// memory for its objects, or the callback raised; the exception is in self->raised.
bool mqttclient_call_back(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_kept_t *kept) {
    volatile bool is_running = false;
    #if UMQTT_THREADS
    void *outer_thread = self->callback_thread;
    #endif
    // One for both: nlr_push is no small part of delivering a small message.
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t objects[3];
        bool is_wanted = make_objects(self, step, kept == NULL ? self->room : kept->body.room, objects);
        if (kept != NULL) {
            unlink_kept(self, kept);
        } else {
            mqttclient_forget_fields(self);
            // At QoS 2 it is not delivered again.
            umqtt_message(&self->state, UMQTT_TAKE, step->qos, step->packet_identifier);
        }
        if (is_wanted) {
            mp_obj_t callback = self->callback;
            is_running = true;
            #if UMQTT_THREADS
            self->callback_thread = self->owner;
            #endif
            ++self->callback_depth;
            size_t n_args = 2 + self->wants_flags;
            mqttclient_unlock(self);
            mp_call_function_n_kw(callback, n_args, 0, objects);
            // Before nlr_pop, as in mqttclient_sleep.
            mqttclient_lock(self);
        }
        nlr_pop();
    } else {
        if (is_running) {
            mqttclient_lock(self);
        } else if (kept == NULL) {
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
