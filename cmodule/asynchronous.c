// What lets a client stand beside others in one loop: it can be polled, and its exchanges can be begun without waiting for
// their ends. umqtt.aio is made of these.
#include "mqttclient.h"

// select.poll and asyncio ask a stream like this. Readable: a message may be handed over, or octets have come.
static mp_uint_t mqttclient_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    // Of a subclass in Python, the client inside; one whose __init__ has not run has none.
    mp_obj_t native = mp_obj_cast_to_native_base(self_in, MP_OBJ_FROM_PTR(&mp_type_umqtt_MQTTClient));
    mqttclient_obj_t *self = MP_OBJ_TO_PTR(native);
    bool is_client = native != MP_OBJ_NULL && mp_obj_is_type(native, &mp_type_umqtt_MQTTClient);
    if (request != MP_STREAM_POLL || !is_client) {
        *errcode = MP_EINVAL;
        return MP_STREAM_ERROR;
    }
    // With the mutex: another thread may close the stream.
    mqttclient_lock(self);
    mp_obj_t stream = self->stream;
    if (stream == MP_OBJ_NULL) {
        mqttclient_unlock(self);
        return MP_STREAM_POLL_NVAL;
    }
    mp_uint_t ready = mp_get_stream(stream)->ioctl(stream, request, arg, errcode);
    bool has_packet = self->queue != NULL || umqtt_has_packet(&self->state);
    mqttclient_unlock(self);
    if (ready != MP_STREAM_ERROR && has_packet) {
        ready |= arg & MP_STREAM_POLL_RD;
    }
    return ready;
}

const mp_stream_p_t mqttclient_stream_p = { .ioctl = mqttclient_ioctl };

// start(verb, topic, msg, retain, qos): begins an exchange. None if it is over, else its place, for finished().
static mp_obj_t mqttclient_start(size_t n_args, const mp_obj_t *args) {
    mqttclient_obj_t *self = mqttclient_self(args[0]);
    mp_obj_t msg = n_args > 3 ? args[3] : mp_const_empty_bytes;
    bool retain = n_args > 4 && mp_obj_is_true(args[4]);
    uint8_t qos = n_args > 5 ? mqttclient_qos(args[5]) : 0;
    umqtt_step_t step;
    int status = mqttclient_begin(self, &step, (uint8_t)mp_obj_get_int(args[1]), args[2], msg, qos, retain);
    if (status == UMQTT_FULL) {
        mqttclient_unlock(self);
        mp_raise_OSError(MP_EAGAIN);
    }
    // Now: a message that is handed over meanwhile takes a step of its own.
    uint8_t place = step.begun;
    bool is_over = mqttclient_exchange(self, &step, args[2], msg, status, false);
    return is_over ? mp_const_none : MP_OBJ_NEW_SMALL_INT(place);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_start_obj, 3, 6, mqttclient_start);

// start_connect(sock, clean_session, timeout): begins a connection on a non-blocking socket that is connected already.
// finished(-1) carries it out.
static mp_obj_t mqttclient_start_connect(size_t n_args, const mp_obj_t *args) {
    mqttclient_obj_t *self = mqttclient_self(args[0]);
    mqttclient_check_stream(args[1]);
    mqttclient_prepare(self, n_args < 3 || mp_obj_is_true(args[2]), n_args < 4 ? mp_const_none : args[3]);
    mqttclient_connect(self, args[1]);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_start_connect_obj, 2, 4, mqttclient_start_connect);

static mp_uint_t poll_write(mp_obj_t stream) {
    int errcode;
    return mp_get_stream(stream)->ioctl(stream, MP_STREAM_POLL, MP_STREAM_POLL_WR, &errcode);
}

// What finished() gives for what is not finished: False while something is to come, None while there is something to write. A
// TLS stream may have to read before it can write, though its socket could be written to all the time. The mutex is held.
mp_obj_t mqttclient_waits_for(mqttclient_obj_t *self, const umqtt_step_t *step) {
    bool writes = step->want & UMQTT_WANT_WRITE;
    if (writes && self->stream != self->sock && poll_write(self->sock) == MP_STREAM_POLL_WR) {
        writes = poll_write(self->stream) != 0;
    }
    return writes ? mp_const_none : mp_const_false;
}

static bool is_held(mqttclient_obj_t *self, mp_int_t place) {
    return place >= 0 && place < UMQTT_IN_FLIGHT && (umqtt_slots_in_use(&self->state) & (1u << place));
}

// Goes on with disconnect() without waiting: whether it is over. May raise what the stream raises.
static mp_obj_t disconnected(mqttclient_obj_t *self) {
    umqtt_step_t step;
    mqttclient_lock(self);
    mp_obj_t waits_for = mp_const_true;
    if (self->stream != MP_OBJ_NULL) {
        mqttclient_begin_step(self, &step);
        if (mqttclient_hang_up_step(self, &step) == UMQTT_WAIT) {
            waits_for = mqttclient_waits_for(self, &step);
        } else {
            self->raised = MP_OBJ_NULL;
            mqttclient_drop(self, MP_ENOTCONN);
        }
    }
    mqttclient_unlock(self);
    return waits_for;
}

// finished(place, wait=False): whether that exchange is over. May raise what the method that waits would.
static mp_obj_t mqttclient_finished(size_t n_args, const mp_obj_t *args) {
    mqttclient_obj_t *self = mqttclient_self(args[0]);
    mp_int_t place = mp_obj_get_int(args[1]);
    bool waits = n_args > 2 && mp_obj_is_true(args[2]);
    if (place == MQTTCLIENT_CONNECT_PLACE) {
        return mqttclient_connected(self);
    }
    if (place == MQTTCLIENT_DISCONNECT_PLACE) {
        return disconnected(self);
    }
    umqtt_step_t step;
    mqttclient_lock(self);
    mqttclient_begin_step(self, &step);
    step.may_read = true;
    step.code = self->lost_errno;
    int status = self->stream == MP_OBJ_NULL ? UMQTT_STREAM_ERROR : MQTTCLIENT_POLL;
    if (status == MQTTCLIENT_POLL && !is_held(self, place)) {
        mqttclient_unlock(self);
        return mp_const_true;
    }
    bool is_over = mqttclient_run(self, &step, (uint8_t)place, status, waits, MQTTCLIENT_NO_DEADLINE);
    if (is_over) {
        return mp_const_true;
    }
    mqttclient_lock(self);
    mp_obj_t waits_for = self->stream == MP_OBJ_NULL ? mp_const_false : mqttclient_waits_for(self, &step);
    mqttclient_unlock(self);
    return waits_for;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_finished_obj, 2, 3, mqttclient_finished);

// unfinished(): the place of the message that the last method of this thread to raise has left in the session, or None.
static mp_obj_t mqttclient_unfinished(mp_obj_t self_in) {
    mqttclient_obj_t *self = mqttclient_self(self_in);
    mp_obj_t place = mp_const_none;
    mqttclient_lock(self);
    for (uint8_t slot = 0; slot < UMQTT_IN_FLIGHT; ++slot) {
        if (mqttclient_has_left(self, slot) && is_held(self, slot)) {
            place = MP_OBJ_NEW_SMALL_INT(slot);
        }
    }
    mqttclient_unlock(self);
    return place;
}
MP_DEFINE_CONST_FUN_OBJ_1(mqttclient_unfinished_obj, mqttclient_unfinished);

// discard(place=None): forgets that message, or all that are in flight, unless a method is waiting for them: they are not sent
// again. With a connection or without.
static mp_obj_t mqttclient_discard(size_t n_args, const mp_obj_t *args) {
    mqttclient_obj_t *self = mqttclient_self(args[0]);
    bool all = n_args < 2 || args[1] == mp_const_none;
    mp_int_t place = all ? 0 : mp_obj_get_int(args[1]);
    mqttclient_lock(self);
    for (mp_int_t slot = 0; slot < UMQTT_IN_FLIGHT; ++slot) {
        if (all || slot == place) {
            umqtt_abandon(&self->state, (uint8_t)slot, UMQTT_FORGET);
        }
    }
    mqttclient_forget_finished(self);
    // There may be room for another one now.
    mqttclient_wake_others(self);
    mqttclient_unlock(self);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_discard_obj, 1, 2, mqttclient_discard);
