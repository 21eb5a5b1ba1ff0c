// Numbers for who has to find out what a link in the field does.
#include "mqttclient.h"

#include "py/objtuple.h"

static const qstr phases[] = { MP_QSTR_resolve, MP_QSTR_connect, MP_QSTR_tls, MP_QSTR_connack, MP_QSTR_session };

// Keeps an exception of the network or of the Server for stats(). Takes the mutex.
void mqttclient_note_error(mqttclient_obj_t *self, mp_obj_t exception) {
    mqttclient_lock(self);
    self->last_error = exception;
    self->error_phase = self->phase;
    mqttclient_unlock(self);
}

static mp_obj_t number_of(uint32_t number) {
    return mp_obj_new_int_from_uint((mp_uint_t)number);
}

// stats(): what the client has counted since it was made, in numbers of 32 bits that wrap, and its last error.
static mp_obj_t mqttclient_stats(mp_obj_t self_in) {
    static const qstr fields[] = {
        MP_QSTR_bytes_out, MP_QSTR_bytes_in, MP_QSTR_packets_out, MP_QSTR_packets_in, MP_QSTR_connects,
        MP_QSTR_in_flight, MP_QSTR_round_trip_ms, MP_QSTR_session_present, MP_QSTR_last_error, MP_QSTR_phase,
    };
    mqttclient_obj_t *self = mqttclient_self(self_in);
    umqtt_counts_t counts = { 0 };
    mqttclient_lock(self);
    umqtt_count(&self->state, &counts);
    uint32_t bytes_out = self->bytes_out;
    uint32_t bytes_in = self->bytes_in;
    mp_obj_t last_error = self->last_error;
    qstr phase = phases[self->error_phase];
    mqttclient_unlock(self);
    bool was_well = last_error == MP_OBJ_NULL;
    mp_obj_t values[MP_ARRAY_SIZE(fields)] = {
        number_of(bytes_out), number_of(bytes_in), number_of(counts.packets_out), number_of(counts.packets_in),
        number_of(counts.connects), number_of(counts.in_flight), number_of(counts.round_trip_ms),
        mp_obj_new_bool(counts.session_present),
        was_well ? mp_const_none : last_error, was_well ? mp_const_none : MP_OBJ_NEW_QSTR(phase),
    };
    #if MICROPY_PY_ATTRTUPLE
    return mp_obj_new_attrtuple(fields, MP_ARRAY_SIZE(fields), values);
    #else
    return mp_obj_new_tuple(MP_ARRAY_SIZE(fields), values);
    #endif
}
MP_DEFINE_CONST_FUN_OBJ_1(mqttclient_stats_obj, mqttclient_stats);
