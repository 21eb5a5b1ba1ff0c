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
        self->room[i].data = NULL;
        self->room[i].len = 0;
    }
}

// Gives a long message room for more than has come of it. Status: MQTTCLIENT_POLL or MQTTCLIENT_NO_MEMORY.
int mqttclient_make_room(mqttclient_obj_t *self, umqtt_step_t *step) {
    if (self->callback == mp_const_none) {
        umqtt_decline(&self->state, true);
        return MQTTCLIENT_POLL;
    }
    umqtt_room_t *room = &self->room[step->field];
    size_t len = MIN((size_t)step->total, MAX((size_t)step->come * ROOM_GROWTH, FIRST_ROOM));
    // One octet more for the NUL that ends a bytes object.
    byte *data = m_renew_maybe(byte, room->data, room->data == NULL ? 0 : room->len + 1, len + 1, true);
    if (data == NULL) {
        step->code = (int32_t)len;
        umqtt_decline(&self->state, false);
        mqttclient_forget_fields(self);
        return MQTTCLIENT_NO_MEMORY;
    }
    room->data = data;
    room->len = len;
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
    if (mqttclient_qos_of(message) == 2) {
        // It is not delivered again.
        umqtt_taken(&self->state, 2, message->packet_identifier);
    }
}

// Takes the message that has just come, and keeps it for later. False: there is no memory, and the exception is in
// self->raised.
bool mqttclient_keep(mqttclient_obj_t *self, const umqtt_step_t *step) {
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
// step is NULL. False: there is no memory, as for mqttclient_keep(), or the callback raised; the exception is in self->raised.
bool mqttclient_call_back(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_message_t *message) {
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
