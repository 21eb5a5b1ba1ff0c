// Class MQTTClient: its methods. Every argument is checked before anything is sent.
#include "mqttclient.h"

#define DEFAULT_TIMEOUT_MS (20000)
#define TIMEOUT_S_MAX (2000000) // deadlines are compared on a clock of 32 bits

static uint32_t timeout_ms_of(mp_obj_t obj) {
    if (obj == mp_const_none) {
        return DEFAULT_TIMEOUT_MS;
    }
    #if MICROPY_PY_BUILTINS_FLOAT
    mp_float_t timeout_s = mp_obj_get_float(obj);
    #else
    mp_int_t timeout_s = mp_obj_get_int(obj);
    #endif
    if (!(timeout_s > 0 && timeout_s <= TIMEOUT_S_MAX)) {
        mp_raise_ValueError(MP_ERROR_TEXT("timeout must be above 0, at most 2000000"));
    }
    uint32_t timeout_ms = (uint32_t)(timeout_s * 1000);
    return timeout_ms == 0 ? 1 : timeout_ms;
}

// Sorts a method's arguments; returns the client. May raise.
static mqttclient_obj_t *parse(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args, size_t len, const mp_arg_t *allowed, mp_arg_val_t *args) {
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, len, allowed, args);
    return mqttclient_self(pos_args[0]);
}

static mp_obj_t mqttclient_set_callback(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_callback, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_flags, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_false } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_obj_t callback = args[0].u_obj;
    if (callback != mp_const_none && !mp_obj_is_callable(callback)) {
        mp_raise_TypeError(MP_ERROR_TEXT("callback must be callable or None"));
    }
    bool wants_flags = mp_obj_is_true(args[1].u_obj);
    mqttclient_lock(self);
    self->callback = callback;
    self->wants_flags = wants_flags;
    mqttclient_unlock(self);
    return mp_const_none;
}

// Of publish and of set_last_will.
enum { ARG_topic, ARG_msg, ARG_retain, ARG_qos };
static const mp_arg_t message_args[] = {
    { MP_QSTR_topic, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
    { MP_QSTR_msg, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
    { MP_QSTR_retain, MP_ARG_OBJ, { .u_obj = mp_const_false } },
    { MP_QSTR_qos, MP_ARG_OBJ, { .u_obj = MP_OBJ_NEW_SMALL_INT(0) } },
};

// Takes the mutex to change what CONNECT says. Not while a CONNECT that start_connect() began is on its way: what was said of it
// holds for all of it. May raise.
static void lock_for_connect(mqttclient_obj_t *self) {
    mqttclient_lock(self);
    if (self->is_aside) {
        mqttclient_unlock(self);
        mp_raise_OSError(MP_EALREADY);
    }
}

// topic None: no will any more.
static mp_obj_t mqttclient_set_last_will(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    mp_arg_val_t args[MP_ARRAY_SIZE(message_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(message_args), message_args, args);
    uint8_t qos = mqttclient_qos(args[ARG_qos].u_obj);
    bool retain = mp_obj_is_true(args[ARG_retain].u_obj);
    mp_obj_t will_topic = MP_OBJ_NULL;
    mp_obj_t will_msg = MP_OBJ_NULL;
    if (args[ARG_topic].u_obj != mp_const_none) {
        umqtt_octets_t topic = mqttclient_octets_of(args[ARG_topic].u_obj);
        mqttclient_check(umqtt_check(topic.data, topic.len, true));
        mqttclient_check_field(args[ARG_msg].u_obj);
        will_topic = mqttclient_unchanging(args[ARG_topic].u_obj);
        will_msg = mqttclient_unchanging(args[ARG_msg].u_obj);
    }
    lock_for_connect(self);
    self->will_qos = qos & 3;
    self->will_retain = retain;
    self->field[UMQTT_WILL_TOPIC] = will_topic;
    self->field[UMQTT_WILL_MSG] = will_msg;
    mqttclient_unlock(self);
    return mp_const_none;
}

// Makes the client ready for a new connection, of which nothing is there yet but what the Server has kept. Takes the mutex.
// May raise, without it.
void mqttclient_prepare(mqttclient_obj_t *self, bool clean_session, mp_obj_t timeout) {
    uint32_t timeout_ms = timeout_ms_of(timeout);
    if (!clean_session && mp_obj_len(self->field[UMQTT_CLIENT_ID]) == MP_OBJ_NEW_SMALL_INT(0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("empty client_id without clean_session"));
    }
    mqttclient_lock(self);
    if (self->connecting && !self->is_aside) {
        mqttclient_unlock(self);
        mp_raise_OSError(MP_EALREADY);
    }
    // Before hang_up, which may free the mutex.
    self->is_aside = false;
    self->connecting = true;
    mqttclient_hang_up(self, false);
    self->clean_session = clean_session;
    self->answer_timeout_ms = timeout_ms;
    if (clean_session) {
        self->queue = NULL;
        self->kept_16 = 0;
    }
}

static mp_obj_t mqttclient_connect_method(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_clean_session, ARG_timeout };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_clean_session, MP_ARG_OBJ, { .u_obj = mp_const_true } },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_none } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mqttclient_prepare(self, mp_obj_is_true(args[ARG_clean_session].u_obj), args[ARG_timeout].u_obj);
    mqttclient_connect(self, MP_OBJ_NULL);
    return mp_const_none;
}

// Begins an exchange about topic and msg (empty if it has none): umqtt_begin's status. Takes the mutex. May raise TypeError,
// without it.
int mqttclient_begin(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t kind, mp_obj_t topic, mp_obj_t msg, uint8_t qos, bool retain) {
    mqttclient_lock(self);
    #if UMQTT_EXTRAS
    mqttclient_forget_left(self);
    #endif
    mqttclient_begin_step(self, step);
    step->lends = true;
    // With the mutex: while this thread waits for it, another one may move them.
    if (!mqttclient_octets(topic, &step->packet_topic) || !mqttclient_octets(msg, &step->packet_payload)) {
        mqttclient_unlock(self);
        mqttclient_raise_no_buffer();
    }
    return umqtt_begin(&self->state, step, kind, qos, retain);
}

// Carries out an exchange. If all places are taken, waits for one. May raise.
static void exchange(mqttclient_obj_t *self, uint8_t kind, mp_obj_t topic, mp_obj_t msg, uint8_t qos, bool retain) {
    for (;;) {
        umqtt_step_t step;
        int status = mqttclient_begin(self, &step, kind, topic, msg, qos, retain);
        if (status != UMQTT_FULL) {
            mqttclient_exchange(self, &step, topic, msg, status, true);
            return;
        }
        bool for_message = kind == UMQTT_PUBLISH && qos > 0;
        uint8_t awaited = for_message ? UMQTT_AWAIT_ROOM_FOR_MESSAGE : UMQTT_AWAIT_ROOM;
        uint32_t deadline = mqttclient_deadline_after(self->answer_timeout_ms);
        mqttclient_run(self, &step, awaited, UMQTT_FULL, true, deadline);
    }
}

MQTTCLIENT_SHARED mp_obj_t mqttclient_publish(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    mp_arg_val_t args[MP_ARRAY_SIZE(message_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(message_args), message_args, args);
    bool retain = mp_obj_is_true(args[ARG_retain].u_obj);
    uint8_t qos = mqttclient_qos(args[ARG_qos].u_obj);
    exchange(self, UMQTT_PUBLISH, args[ARG_topic].u_obj, args[ARG_msg].u_obj, qos, retain);
    return mp_const_none;
}

static mp_obj_t mqttclient_subscribe(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_filter, ARG_at_most };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_topic, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_qos, MP_ARG_OBJ, { .u_obj = MP_OBJ_NEW_SMALL_INT(0) } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    uint8_t qos = mqttclient_qos(args[ARG_at_most].u_obj);
    exchange(self, UMQTT_SUBSCRIBE, args[ARG_filter].u_obj, mp_const_empty_bytes, qos, false);
    return mp_const_none;
}

static mp_obj_t mqttclient_unsubscribe(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_topic, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    exchange(self, UMQTT_UNSUBSCRIBE, args[0].u_obj, mp_const_empty_bytes, 0, false);
    return mp_const_none;
}

// The next message: waits for it, or looks if it is there.
static mp_obj_t receive(mp_obj_t self_in, bool waits) {
    mqttclient_obj_t *self = mqttclient_self(self_in);
    umqtt_step_t step;
    mqttclient_lock(self);
    mqttclient_begin_step(self, &step);
    step.may_read = true;
    int status = self->stream == MP_OBJ_NULL ? UMQTT_NOT_CONNECTED : MQTTCLIENT_POLL;
    mqttclient_run(self, &step, UMQTT_AWAIT_MESSAGE, status, waits, MQTTCLIENT_NO_DEADLINE);
    return mp_const_none;
}

static mp_obj_t mqttclient_check_msg(mp_obj_t self_in) {
    return receive(self_in, false);
}

static mp_obj_t mqttclient_wait_msg(mp_obj_t self_in) {
    return receive(self_in, true);
}

static mp_obj_t mqttclient_ping(mp_obj_t self_in) {
    mqttclient_obj_t *self = mqttclient_self(self_in);
    umqtt_step_t step;
    int status;
    do {
        // An earlier PINGREQ may have gone unanswered for too long.
        mqttclient_lock(self);
        mqttclient_begin_step(self, &step);
        uint32_t deadline = mqttclient_deadline_after(self->answer_timeout_ms);
        mqttclient_run(self, &step, UMQTT_AWAIT_OUTBOX, MQTTCLIENT_POLL, true, deadline);
        mqttclient_lock(self);
        mqttclient_begin_step(self, &step);
        status = umqtt_ping(&self->state, &step);
        int first = status == UMQTT_DONE ? MQTTCLIENT_POLL : status;
        mqttclient_run(self, &step, UMQTT_AWAIT_FLUSHED, first, false, MQTTCLIENT_NO_DEADLINE);
    } while (status == UMQTT_FULL);
    return mp_const_none;
}

static mp_obj_t mqttclient_disconnect(mp_obj_t self_in) {
    mqttclient_obj_t *self = mqttclient_self(self_in);
    mqttclient_lock(self);
    // A connection that another thread is making is not there yet.
    mp_obj_t raised = self->connecting && !self->is_aside ? MP_OBJ_NULL : mqttclient_hang_up(self, true);
    mqttclient_unlock(self);
    if (raised != MP_OBJ_NULL) {
        nlr_jump(MP_OBJ_TO_PTR(raised));
    }
    return mp_const_none;
}

#if UMQTT_EXTRAS
// The socket of the connection, without TLS; None while there is none, or CONNACK has not come.
static mp_obj_t mqttclient_socket(mp_obj_t self_in) {
    mqttclient_obj_t *self = mqttclient_self(self_in);
    mqttclient_lock(self);
    mp_obj_t sock = self->sock;
    bool is_there = sock != MP_OBJ_NULL && !self->connecting;
    mqttclient_unlock(self);
    return is_there ? sock : mp_const_none;
}

// set_credentials(user, password=None): what the next CONNECT says, instead of what the client was made with. For passwords that run
// out.
static mp_obj_t mqttclient_set_credentials(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_user, ARG_password };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_user, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_password, MP_ARG_OBJ, { .u_obj = mp_const_none } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mqttclient_obj_t *self = parse(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mqttclient_check_credentials(args[ARG_user].u_obj, args[ARG_password].u_obj);
    mp_obj_t user = mqttclient_unchanging(args[ARG_user].u_obj);
    mp_obj_t password = mqttclient_unchanging(args[ARG_password].u_obj);
    lock_for_connect(self);
    self->field[UMQTT_USER] = user;
    self->field[UMQTT_PASSWORD] = password;
    mqttclient_unlock(self);
    return mp_const_none;
}

// Closes the connection without DISCONNECT, so that the Server sends the Will [MQTT-3.1.2-8].
static mp_obj_t mqttclient_close(mp_obj_t self_in) {
    mqttclient_obj_t *self = mqttclient_self(self_in);
    mqttclient_lock(self);
    if (self->stream != MP_OBJ_NULL) {
        mqttclient_drop(self, MP_ENOTCONN);
    }
    mqttclient_unlock(self);
    return mp_const_none;
}
#endif

static MP_DEFINE_CONST_FUN_OBJ_KW(set_callback_obj, 1, mqttclient_set_callback);
static MP_DEFINE_CONST_FUN_OBJ_KW(set_last_will_obj, 1, mqttclient_set_last_will);
static MP_DEFINE_CONST_FUN_OBJ_KW(connect_obj, 1, mqttclient_connect_method);
#if UMQTT_QUICK
static MP_DEFINE_CONST_FUN_OBJ_KW(publish_obj, 1, mqttclient_publish_quickly);
#else
static MP_DEFINE_CONST_FUN_OBJ_KW(publish_obj, 1, mqttclient_publish);
#endif
static MP_DEFINE_CONST_FUN_OBJ_KW(subscribe_obj, 1, mqttclient_subscribe);
static MP_DEFINE_CONST_FUN_OBJ_KW(unsubscribe_obj, 1, mqttclient_unsubscribe);
static MP_DEFINE_CONST_FUN_OBJ_1(check_msg_obj, mqttclient_check_msg);
static MP_DEFINE_CONST_FUN_OBJ_1(wait_msg_obj, mqttclient_wait_msg);
static MP_DEFINE_CONST_FUN_OBJ_1(ping_obj, mqttclient_ping);
static MP_DEFINE_CONST_FUN_OBJ_1(disconnect_obj, mqttclient_disconnect);
#if UMQTT_EXTRAS
static MP_DEFINE_CONST_FUN_OBJ_1(socket_obj, mqttclient_socket);
static MP_DEFINE_CONST_FUN_OBJ_1(close_obj, mqttclient_close);
static MP_DEFINE_CONST_FUN_OBJ_KW(set_credentials_obj, 1, mqttclient_set_credentials);
#endif

static const mp_rom_map_elem_t mqttclient_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_set_callback), MP_ROM_PTR(&set_callback_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_last_will), MP_ROM_PTR(&set_last_will_obj) },
    { MP_ROM_QSTR(MP_QSTR_connect), MP_ROM_PTR(&connect_obj) },
    { MP_ROM_QSTR(MP_QSTR_publish), MP_ROM_PTR(&publish_obj) },
    { MP_ROM_QSTR(MP_QSTR_subscribe), MP_ROM_PTR(&subscribe_obj) },
    { MP_ROM_QSTR(MP_QSTR_unsubscribe), MP_ROM_PTR(&unsubscribe_obj) },
    { MP_ROM_QSTR(MP_QSTR_check_msg), MP_ROM_PTR(&check_msg_obj) },
    { MP_ROM_QSTR(MP_QSTR_wait_msg), MP_ROM_PTR(&wait_msg_obj) },
    { MP_ROM_QSTR(MP_QSTR_ping), MP_ROM_PTR(&ping_obj) },
    { MP_ROM_QSTR(MP_QSTR_disconnect), MP_ROM_PTR(&disconnect_obj) },
    #if UMQTT_UNIX && MICROPY_ENABLE_FINALISER
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&mqttclient_del_obj) },
    #endif
    #if UMQTT_EXTRAS
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&close_obj) },
    { MP_ROM_QSTR(MP_QSTR_socket), MP_ROM_PTR(&socket_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&mqttclient_stats_obj) },
    { MP_ROM_QSTR(MP_QSTR_start), MP_ROM_PTR(&mqttclient_start_obj) },
    { MP_ROM_QSTR(MP_QSTR_start_connect), MP_ROM_PTR(&mqttclient_start_connect_obj) },
    { MP_ROM_QSTR(MP_QSTR_finished), MP_ROM_PTR(&mqttclient_finished_obj) },
    { MP_ROM_QSTR(MP_QSTR_unfinished), MP_ROM_PTR(&mqttclient_unfinished_obj) },
    { MP_ROM_QSTR(MP_QSTR_discard), MP_ROM_PTR(&mqttclient_discard_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_credentials), MP_ROM_PTR(&set_credentials_obj) },
    #endif
};
static MP_DEFINE_CONST_DICT(mqttclient_locals, mqttclient_locals_table);

#if UMQTT_EXTRAS
UMQTT_DEFINE_STREAM_CLASS(mp_type_umqtt_MQTTClient, MP_QSTR_MQTTClient, mqttclient_make_new, mqttclient_locals, &mqttclient_stream_p);
#else
UMQTT_DEFINE_CLASS(mp_type_umqtt_MQTTClient, MP_QSTR_MQTTClient, mqttclient_make_new, mqttclient_locals);
#endif
