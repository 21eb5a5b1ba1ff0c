// The short way of publish, built with UMQTT_QUICK: arguments by position, of the types that most have, and a message that
// leaves at once. Where it does not lead on, mqttclient.c does all of it, or exchange.c goes on from where it ends.
//
// Most of what it saves are not the tests that it leaves out, but functions that hand the same values on to each other.
#include "mqttclient.h"

#if UMQTT_QUICK

// The octets of a str or bytes. Nobody can change them, so the mutex is not needed for that.
static inline bool unchanging_octets(mp_obj_t obj, umqtt_octets_t *octets) {
    if (mp_obj_is_type(obj, &mp_type_bytes)) {
        const mp_obj_str_t *bytes = MP_OBJ_TO_PTR(obj);
        octets->data = bytes->data;
        octets->len = bytes->len;
        return true;
    }
    if (!mp_obj_is_str(obj)) {
        return false;
    }
    GET_STR_DATA_LEN(obj, data, len);
    octets->data = data;
    octets->len = len;
    return true;
}

// Waits for the PUBACK of a message that has left from this slot. The mutex is held before; it is free after, and when this
// raises.
static void await_puback(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t slot) {
    uint8_t connection = self->connection;
    int status = UMQTT_RAISED;
    if (mqttclient_sleep(self, UMQTT_WANT_READ, step->wait_ms)) {
        if (connection == self->connection) {
            step->now_ms = umqtt_port_ticks_ms();
            status = umqtt_puback(&self->state, step, slot);
        } else {
            step->code = self->lost_errno;
            status = UMQTT_STREAM_ERROR;
        }
    }
    if (status > UMQTT_FULL) {
        mqttclient_fail(self, step, slot, connection, status);
    }
    if (status == UMQTT_DONE && self->queue == NULL) {
        mqttclient_release(self, slot);
        mqttclient_finish(self);
        return;
    }
    if (status == UMQTT_WAIT) {
        // Something else has come, or nothing.
        mqttclient_begin_step(self, step);
        step->may_read = true;
        status = MQTTCLIENT_POLL;
    }
    mqttclient_run(self, step, slot, status, true, MQTTCLIENT_NO_DEADLINE);
}

// publish(topic, msg, retain=False, qos=0), with the client before them.
mp_obj_t mqttclient_publish_quickly(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    umqtt_step_t step;
    bool retain = n_args > 3 && args[3] == mp_const_true;
    mp_obj_t qos_obj = n_args > 4 ? args[4] : MP_OBJ_NEW_SMALL_INT(0);
    mp_uint_t qos = (mp_uint_t)MP_OBJ_SMALL_INT_VALUE(qos_obj);
    if (kw_args->used != 0 || n_args < 3 || n_args > 5
        || (n_args > 3 && !retain && args[3] != mp_const_false)
        || !mp_obj_is_small_int(qos_obj) || qos > 2 || !mp_obj_is_type(args[0], &mp_type_umqtt_MQTTClient)
        || !unchanging_octets(args[1], &step.packet_topic) || !unchanging_octets(args[2], &step.packet_payload)) {
        return mqttclient_publish(n_args, args, kw_args);
    }
    mqttclient_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mqttclient_lock(self);
    // mqttclient_begin_step, written out.
    step.client = self;
    step.now_ms = umqtt_port_ticks_ms();
    step.may_read = self->stream != self->sock;
    step.lends = true;
    step.takes = true;
    step.attends = true;
    step.late = 0;
    step.is_late = false;
    step.begun = UMQTT_NO_SLOT;
    step.deadline_ms = MQTTCLIENT_NO_DEADLINE;
    step.room[0].len = 0;
    step.room[1].len = 0;
    int status = umqtt_begin(&self->state, &step, UMQTT_PUBLISH, (uint8_t)qos, retain);
    if (status == UMQTT_DONE && self->queue == NULL) {
        mqttclient_finish(self);
    } else if (status == UMQTT_FULL) {
        // Nothing was done. There it waits for a place.
        mqttclient_unlock(self);
        return mqttclient_publish(n_args, args, kw_args);
    } else if (status == UMQTT_WAIT && qos == 1 && step.want == UMQTT_WANT_READ && !step.may_read) {
        mqttclient_hold(self, step.begun, args[1], args[2]);
        await_puback(self, &step, step.begun);
    } else {
        // Under TLS nothing was read yet, and what the stream holds no sleep would see.
        bool sleeps = status == UMQTT_WAIT && !step.may_read;
        mqttclient_exchange(self, &step, args[1], args[2], sleeps || status != UMQTT_WAIT ? status : MQTTCLIENT_POLL, true);
    }
    return mp_const_none;
}

#endif // UMQTT_QUICK
