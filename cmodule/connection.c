// Opens a connection and closes it: name, TCP, TLS, CONNECT.
#include "mqttclient.h"

#if UMQTT_UNIX
#include <sys/socket.h>
#include <sys/stat.h>
#endif

// Numbers that the socket modules do not name: that of the level is the same everywhere.
#define LEVEL_TCP (6)
#define UNIX_TCP_NODELAY (1)

// May raise.
mp_obj_t mqttclient_call(mp_obj_t obj, qstr name, size_t n_args, const mp_obj_t *args) {
    mp_obj_t call[2 + 4];
    mp_load_method(obj, name, call);
    memcpy(call + 2, args, n_args * sizeof(mp_obj_t));
    return mp_call_method_n_kw(n_args, 0, call);
}

static bool is_instance(mp_obj_t exception, const mp_obj_type_t *type) {
    return mp_obj_exception_match(exception, MP_OBJ_FROM_PTR(type));
}

// The module of the first of these names that the port has; names end in MP_QSTRnull or with the third. May raise
// ImportError.
mp_obj_t mqttclient_import(qstr first, qstr second, qstr third) {
    const qstr names[] = { first, second, third };
    volatile size_t i = 0;
    for (;;) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            mp_obj_t module = mp_import_name(names[i], mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
            nlr_pop();
            return module;
        }
        ++i;
        bool is_last = i == MP_ARRAY_SIZE(names) || names[i] == MP_QSTRnull;
        if (is_last || !is_instance(MP_OBJ_FROM_PTR(nlr.ret_val), &mp_type_ImportError)) {
            nlr_jump(nlr.ret_val);
        }
    }
}

// The errno of an exception, or 0 if it is none that has one.
static int errno_of(mp_obj_t exception) {
    if (!is_instance(exception, &mp_type_OSError)) {
        return 0;
    }
    mp_obj_t value = mp_obj_exception_get_value(exception);
    return mp_obj_is_small_int(value) ? (int)MP_OBJ_SMALL_INT_VALUE(value) : 0;
}

// The same; what it raises is returned, MP_OBJ_NULL if nothing.
static mp_obj_t try_method(mp_obj_t obj, qstr name, size_t n_args, const mp_obj_t *args) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mqttclient_call(obj, name, n_args, args);
        nlr_pop();
        return MP_OBJ_NULL;
    }
    return MP_OBJ_FROM_PTR(nlr.ret_val);
}

// The same as mqttclient_enter_phase, for who does not hold the mutex.
static void enter_phase_unlocked(mqttclient_obj_t *self, uint8_t phase) {
    #if UMQTT_EXTRAS
    mqttclient_lock(self);
    mqttclient_enter_phase(self, phase);
    mqttclient_unlock(self);
    #else
    (void)self;
    (void)phase;
    #endif
}

// No connection came of it. What the network or the Server did is kept for stats(), an interrupt is not.
static UMQTT_NORETURN void fail_to_connect(mqttclient_obj_t *self, mp_obj_t exception) {
    if (UMQTT_EXTRAS && is_instance(exception, &mp_type_Exception)) {
        mqttclient_note_error(self, exception);
    }
    nlr_jump(MP_OBJ_TO_PTR(exception));
}

// Asks the socket to connect: 0 if it has, or the errno. Raises what has none.
static int try_connect(mp_obj_t sock, mp_obj_t address) {
    mp_obj_t raised = try_method(sock, MP_QSTR_connect, 1, &address);
    if (raised == MP_OBJ_NULL) {
        return 0;
    }
    if (!is_instance(raised, &mp_type_OSError)) {
        nlr_jump(MP_OBJ_TO_PTR(raised));
    }
    int error = errno_of(raised);
    // Some ports say in this way that it is not decided yet.
    return error == 0 ? MP_EINPROGRESS : error < 0 ? -error : error;
}

// Connects a non-blocking socket. Raises OSError. It is asked once: a second time many ports tell of the asking, not of how it went.
static void connect_socket(mp_obj_t sock, mp_obj_t address, uint32_t deadline) {
    int error = try_connect(sock, address);
    while (error == MP_EINPROGRESS || error == MP_EALREADY || error == MP_EAGAIN) {
        uint32_t ms = mqttclient_ms_until(deadline);
        error = ms == 0 ? MP_ETIMEDOUT : mqttclient_await_connected(sock, ms);
    }
    if (error != 0 && error != MP_EISCONN) {
        mp_raise_OSError(error);
    }
}

// Packets are small and wait for answers: they must not wait for one another. Where the port's sockets do not know the option they may
// print a warning, so it is set only if the module names it; the Unix port knows it without a name.
static void set_nodelay(mp_obj_t module, mp_obj_t sock) {
    mp_obj_t option[2];
    mp_load_method_maybe(module, MP_QSTR_TCP_NODELAY, option);
    if (option[0] == MP_OBJ_NULL) {
        if (!UMQTT_UNIX) {
            return;
        }
        option[0] = MP_OBJ_NEW_SMALL_INT(UNIX_TCP_NODELAY);
    }
    mp_obj_t args[3] = { MP_OBJ_NEW_SMALL_INT(LEVEL_TCP), option[0], MP_OBJ_NEW_SMALL_INT(1) };
    mp_obj_t raised = try_method(sock, MP_QSTR_setsockopt, 3, args);
    if (raised != MP_OBJ_NULL && !is_instance(raised, &mp_type_Exception)) {
        nlr_jump(MP_OBJ_TO_PTR(raised)); // an interrupt
    }
}

// Closes a stream; what it raises is passed over, there is nothing left to save.
static void close_stream(mp_obj_t stream) {
    try_method(stream, MP_QSTR_close, 0, &stream);
}

// Closes the TLS stream, if there is one, and the socket. TLS closes its socket itself, unless it has let go of it after an
// error; this port's sockets must not be closed twice, since the descriptor may be somebody else's by then.
static void close_both(mp_obj_t sock, mp_obj_t stream) {
    if (stream != sock && stream != MP_OBJ_NULL) {
        #if UMQTT_UNIX
        struct stat before = { 0 };
        struct stat after;
        int fd = mqttclient_fileno(sock);
        fstat(fd, &before);
        close_stream(stream);
        if (fstat(fd, &after) != 0 || before.st_dev != after.st_dev || before.st_ino != after.st_ino) {
            return;
        }
        #else
        close_stream(stream);
        #endif
    }
    close_stream(sock);
}

// The connection is gone or given up: closes it, and wakes the threads that wait for something from it, which then raise
// OSError(lost_errno). The mutex is held, but may be free for a moment.
void mqttclient_drop(mqttclient_obj_t *self, int lost_errno) {
    mp_obj_t sock = self->sock;
    mp_obj_t stream = self->stream;
    #if UMQTT_UNIX
    self->fd = -1;
    #endif
    self->sock = MP_OBJ_NULL;
    self->stream = MP_OBJ_NULL;
    self->lost_errno = lost_errno;
    if (self->is_aside) {
        self->is_aside = false;
        self->connecting = false;
    }
    ++self->connection;
    mqttclient_forget_fields(self);
    umqtt_close(&self->state);
    mqttclient_forget_finished(self);
    mqttclient_wake_others(self);
    #if UMQTT_UNIX && UMQTT_THREADS
    if (self->sleepers > 0) {
        // Closing a descriptor does not wake who sleeps on it, and its number may soon be somebody else's.
        shutdown(mqttclient_fileno(sock), SHUT_RDWR);
        mqttclient_await_sleepers(self);
    }
    #endif
    close_both(sock, stream);
}

// After DISCONNECT there is nothing to send any more. The Server sees it, where the port can say so, and closes its side: what it
// has sent until then is read, since TCP tells a peer of unread octets with a reset, which overtakes what was sent to it before.
// (TLS ends with its stream. lwIP's sockets cannot say it; the Server closes for DISCONNECT's sake.)
static void end_sending(mqttclient_obj_t *self) {
    #if UMQTT_UNIX
    if (self->stream == self->sock && self->fd >= 0) {
        shutdown(self->fd, SHUT_WR);
    }
    #else
    (void)self;
    #endif
}

// Goes on with the end of the connection, without waiting: DISCONNECT, then what the Server still sends, to its end. The mutex is
// held. Status: UMQTT_DONE, UMQTT_WAIT or an error.
int mqttclient_hang_up_step(mqttclient_obj_t *self, umqtt_step_t *step) {
    int said = umqtt_disconnect(&self->state, step);
    if (said > UMQTT_FULL) {
        return said; // there is nothing to take leave of
    }
    // Where there is no place for DISCONNECT yet, something else waits to be written.
    step->want = UMQTT_WANT_WRITE;
    step->wait_ms = 0;
    int status = mqttclient_flush(self, step, UMQTT_AWAIT_FLUSHED);
    if (status != UMQTT_DONE || said != UMQTT_DONE) {
        return status == UMQTT_DONE ? UMQTT_WAIT : status;
    }
    end_sending(self);
    step->may_read = true;
    return mqttclient_poll(self, step, UMQTT_AWAIT_END);
}

// Takes leave of the Server, if there is a connection, and closes it. waits: until the Server has closed it, at most for the time that
// an answer may take. The mutex is held. What was pending may raise: returns it, or MP_OBJ_NULL.
mp_obj_t mqttclient_hang_up(mqttclient_obj_t *self, bool waits) {
    if (self->stream == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    uint8_t connection = self->connection;
    umqtt_step_t step;
    mqttclient_begin_step(self, &step);
    step.deadline_ms = mqttclient_deadline_after(self->answer_timeout_ms);
    mp_obj_t raised = MP_OBJ_NULL;
    int status = mqttclient_hang_up_step(self, &step);
    // Others find out that they are not connected any more.
    mqttclient_wake_others(self);
    for (; status == UMQTT_WAIT && waits; status = mqttclient_hang_up_step(self, &step)) {
        if (!mqttclient_sleep(self, step.want, step.wait_ms)) {
            raised = self->raised;
            break;
        }
        if (connection != self->connection) {
            return MP_OBJ_NULL;
        }
    }
    // What the stream raised is passed over. Before mqttclient_drop, which may free the mutex.
    self->raised = MP_OBJ_NULL;
    if (connection == self->connection) {
        mqttclient_drop(self, MP_ENOTCONN);
    }
    return raised;
}

// The parts of an address from getaddrinfo: family, type, protocol, name, address. False if it is none for a stream.
static bool split_address(mp_obj_t item, mp_int_t stream_type, mp_obj_t **parts) {
    size_t len;
    mp_obj_get_array(item, &len, parts);
    return len >= 5 && mp_obj_get_int((*parts)[1]) == stream_type;
}

// Connects a new socket to one address, in *opened: what this raised, or MP_OBJ_NULL. Nothing is open when it raised.
static mp_obj_t try_address(mp_obj_t module, mp_obj_t *parts, uint32_t deadline, mp_obj_t volatile *opened) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t sock = mqttclient_call(module, MP_QSTR_socket, 2, parts);
        *opened = sock;
        mp_obj_t no = mp_const_false;
        mqttclient_call(sock, MP_QSTR_setblocking, 1, &no);
        set_nodelay(module, sock);
        connect_socket(sock, parts[4], deadline);
        nlr_pop();
        return MP_OBJ_NULL;
    }
    if (*opened != MP_OBJ_NULL) {
        close_stream(*opened);
        *opened = MP_OBJ_NULL;
    }
    return MP_OBJ_FROM_PTR(nlr.ret_val);
}

// Connects a socket to one of the addresses that the name stands for, in *opened. May raise.
static void open_socket(mqttclient_obj_t *self, uint32_t deadline, mp_obj_t volatile *opened) {
    enter_phase_unlocked(self, MQTTCLIENT_RESOLVE);
    mp_obj_t module = mqttclient_import(MP_QSTR_socket, MP_QSTR_usocket, MP_QSTRnull);
    mp_obj_t args[2] = { self->server, MP_OBJ_NEW_SMALL_INT(self->port) };
    mp_obj_t addresses = mqttclient_call(module, MP_QSTR_getaddrinfo, 2, args);
    mp_int_t stream_type = mp_obj_get_int(mp_load_attr(module, MP_QSTR_SOCK_STREAM));
    enter_phase_unlocked(self, MQTTCLIENT_CONNECT);
    size_t len;
    mp_obj_t *items;
    mp_obj_get_array(addresses, &len, &items);
    mp_obj_t *parts;
    uint32_t left = 0;
    for (size_t i = 0; i < len; ++i) {
        left += split_address(items[i], stream_type, &parts);
    }
    mp_obj_t raised = MP_OBJ_NULL;
    for (size_t i = 0; i < len; ++i) {
        if (!split_address(items[i], stream_type, &parts)) {
            continue;
        }
        // Each address gets its share of the time: one that swallows packets must not take that of the next.
        uint32_t share = mqttclient_deadline_after(mqttclient_ms_until(deadline) / left);
        --left;
        raised = try_address(module, parts, share, opened);
        if (raised == MP_OBJ_NULL) {
            return;
        }
        if (errno_of(raised) == 0 || mqttclient_ms_until(deadline) == 0) {
            break; // an interrupt, or no time for another address
        }
    }
    if (raised == MP_OBJ_NULL) {
        mp_raise_OSError(MP_EHOSTUNREACH);
    }
    nlr_jump(MP_OBJ_TO_PTR(raised));
}

// Refuses what is no stream, and a class in Python that is one: its methods would run, and raise, with the mutex held.
void mqttclient_check_stream(mp_obj_t stream) {
    mp_get_stream_raise(stream, MP_STREAM_OP_READ | MP_STREAM_OP_WRITE | MP_STREAM_OP_IOCTL);
    if (mp_obj_is_instance_type(mp_obj_get_type(stream))) {
        mp_raise_TypeError(MP_ERROR_TEXT("stream must be built in"));
    }
}

// Opens a socket, unless one is given, and wraps TLS around it: the stream. The mutex is held before and after, but not in
// between; it is free when this raises.
static mp_obj_t open_stream(mqttclient_obj_t *self, uint32_t deadline, mp_obj_t given, mp_obj_t volatile *sock) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mqttclient_unlock(self);
        // Without the extras nobody has one to give.
        if (!UMQTT_EXTRAS || given == MP_OBJ_NULL) {
            open_socket(self, deadline, sock);
        } else {
            set_nodelay(mqttclient_import(MP_QSTR_socket, MP_QSTR_usocket, MP_QSTRnull), given);
        }
        enter_phase_unlocked(self, MQTTCLIENT_TLS);
        mp_obj_t stream = self->ssl == mp_const_false ? *sock : mqttclient_wrap_tls(self, *sock);
        // A context of the user's own may make anything.
        mqttclient_check_stream(stream);
        mqttclient_lock(self);
        nlr_pop();
        return stream;
    }
    mqttclient_lock(self);
    if (*sock != given) {
        // What was given is not the client's yet.
        close_stream(*sock);
    }
    self->connecting = false;
    mqttclient_unlock(self);
    fail_to_connect(self, MP_OBJ_FROM_PTR(nlr.ret_val));
}

// From now on this is the client's connection, in which nothing was said yet.
static void adopt(mqttclient_obj_t *self, mp_obj_t sock, mp_obj_t stream) {
    self->sock = sock;
    self->stream = stream;
    #if UMQTT_UNIX
    self->fd = mqttclient_fileno(sock);
    #endif
    ++self->connection;
    mqttclient_enter_phase(self, stream == sock ? MQTTCLIENT_CONNACK : MQTTCLIENT_TLS);
}

// The outcome of the wait for CONNACK on this socket: puts the client in order, and frees the mutex. May raise.
static void conclude(mqttclient_obj_t *self, umqtt_step_t *step, mp_obj_t sock, int status) {
    if (status == UMQTT_DONE) {
        // What a session left behind goes out again now, as far as the stream takes it.
        status = mqttclient_flush(self, step, UMQTT_AWAIT_OUTBOX);
        status = status == UMQTT_WAIT ? UMQTT_DONE : status;
    }
    // Before mqttclient_drop, which may free the mutex.
    mp_obj_t raised = self->raised;
    self->raised = MP_OBJ_NULL;
    if (status != UMQTT_DONE && sock != MP_OBJ_NULL && self->sock == sock) {
        mqttclient_drop(self, MP_ENOTCONN);
    }
    self->connecting = false;
    self->is_aside = false;
    if (status == UMQTT_DONE) {
        mqttclient_enter_phase(self, MQTTCLIENT_SESSION);
    }
    mqttclient_forget_finished(self);
    mqttclient_unlock(self);
    if (status == UMQTT_RAISED) {
        fail_to_connect(self, raised);
    }
    if (status != UMQTT_DONE) {
        fail_to_connect(self, mqttclient_error(status, step->code));
    }
}

// Sends CONNECT and looks for CONNACK, without waiting. The mutex is held. Status: UMQTT_DONE, UMQTT_WAIT or an error.
static int look_for_connack(mqttclient_obj_t *self, const umqtt_connect_t *connect, umqtt_step_t *step) {
    uint32_t bytes_out = self->bytes_out;
    int status = umqtt_connect(&self->state, step, connect, false);
    if (bytes_out != self->bytes_out) {
        // Whoever can write is through with TLS's handshake.
        mqttclient_enter_phase(self, MQTTCLIENT_CONNACK);
    }
    return status;
}

// The same, and waits. Status: UMQTT_DONE or an error.
static int await_connack(mqttclient_obj_t *self, const umqtt_connect_t *connect, umqtt_step_t *step, int status, uint32_t deadline) {
    uint8_t connection = self->connection;
    while (status == UMQTT_DONE || status == UMQTT_WAIT) {
        step->now_ms = umqtt_port_ticks_ms();
        status = look_for_connack(self, connect, step);
        if (status != UMQTT_WAIT) {
            return status;
        }
        uint32_t ms = mqttclient_ms_until(deadline);
        if (ms == 0) {
            return UMQTT_TIMEOUT;
        }
        if (!mqttclient_sleep(self, step->want, ms)) {
            return UMQTT_RAISED;
        }
        if (connection != self->connection) {
            step->code = self->lost_errno;
            return UMQTT_STREAM_ERROR;
        }
        step->may_read = true;
    }
    return status;
}

// What CONNECT is to say.
static void describe(mqttclient_obj_t *self, umqtt_connect_t *connect) {
    connect->will_retain = self->will_retain;
    connect->will_qos = self->will_qos;
    connect->clean_session = self->clean_session;
    connect->keep_alive_s = self->keep_alive_s;
    connect->answer_timeout_ms = self->answer_timeout_ms;
    for (size_t i = 0; i < UMQTT_CONNECT_FIELDS; ++i) {
        mqttclient_octets(self->field[i], &connect->field[i]); // checked before, or none
    }
}

// Opens a connection, after mqttclient_prepare, and waits until it stands; on a socket that is given and connected already, only
// begins it, and mqttclient_connected carries it out. The mutex is held before; it is free after, and when this raises.
void mqttclient_connect(mqttclient_obj_t *self, mp_obj_t given) {
    uint32_t deadline = mqttclient_deadline_after(self->answer_timeout_ms);
    // These pointers keep the octets alive, even if another will is set meanwhile.
    umqtt_connect_t connect;
    describe(self, &connect);
    mp_obj_t volatile opened = given;
    mp_obj_t stream = open_stream(self, deadline, given, &opened);
    mp_obj_t sock = opened;
    adopt(self, sock, stream);
    umqtt_step_t step;
    mqttclient_begin_step(self, &step);
    int status = umqtt_connect(&self->state, &step, &connect, true);
    if (given != MP_OBJ_NULL) {
        self->is_aside = true;
        mqttclient_unlock(self);
        return;
    }
    status = await_connack(self, &connect, &step, status, deadline);
    conclude(self, &step, sock, status);
}

#if UMQTT_EXTRAS
// Whether the connection stands that was begun on a given socket, without waiting: mp_const_none if it has something to write
// before. May raise.
mp_obj_t mqttclient_connected(mqttclient_obj_t *self) {
    umqtt_connect_t connect;
    umqtt_step_t step;
    mqttclient_lock(self);
    if (self->connecting && !self->is_aside) {
        // The connection that connect() makes in another thread is not there yet, and is that thread's to conclude.
        mqttclient_unlock(self);
        return mp_const_false;
    }
    mqttclient_begin_step(self, &step);
    describe(self, &connect);
    step.may_read = true;
    int status = look_for_connack(self, &connect, &step);
    if (status == UMQTT_WAIT) {
        mp_obj_t waits_for = mqttclient_waits_for(self, &step);
        mqttclient_unlock(self);
        return waits_for;
    }
    conclude(self, &step, self->sock, status);
    return mp_const_true;
}
#endif
