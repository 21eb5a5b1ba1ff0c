// The client object, and what the C files know of each other.
#ifndef UMQTT_MQTTCLIENT_H
#define UMQTT_MQTTCLIENT_H

#include "port.h"
#include "umqtt.h"
#include "umqtt_shim.h"

#if UMQTT_UNIX && UMQTT_THREADS
#include <semaphore.h>
#endif

// A message that cannot be handed over now, because a callback is running: one block of heap, no more than its octets and this.
typedef struct _mqttclient_kept_t {
    struct _mqttclient_kept_t *next; // the one that came after it; of the newest, the oldest
    uint32_t payload_len;
    uint16_t topic_len;
    uint16_t packet_identifier;
    uint16_t size_16; // what it takes of the heap, in units of 16 octets
    uint8_t flags; // of PUBLISH's fixed header
    uint8_t connection; // the connection it came on: it cannot be acknowledged on another
    bool is_long; // its octets lie in rooms, else here: the topic, then the payload
    union {
        byte *room[2];
        byte octets[sizeof(byte *)];
    } body;
} mqttclient_kept_t;

#if UMQTT_UNIX && UMQTT_THREADS
// A thread that waits for another one to read, on that thread's C stack.
typedef struct _mqttclient_waiter_t {
    struct _mqttclient_waiter_t *next;
    sem_t woken;
} mqttclient_waiter_t;
#endif

// Small fields first, large ones last: Thumb-2 has short instructions for what lies near.
typedef struct _mqttclient_obj_t {
    mp_obj_base_t base;

    uint8_t connection; // counts the connections made and lost
    uint8_t receivers; // how many calls of wait_msg and check_msg are under way
    uint8_t callback_depth; // how many callbacks are running, one inside the other
    // With the mutex held, as all else here: they share octets.
    uint8_t phase : 4; // how far the connection has come: MQTTCLIENT_RESOLVE and so on
    uint8_t error_phase : 4; // when last_error came
    uint8_t will_qos : 2;
    bool will_retain : 1;
    bool clean_session : 1;
    bool wants_flags : 1; // of the callback
    bool connecting;
    bool is_aside; // connecting by start_connect, so that no call is under way
    #if UMQTT_UNIX && UMQTT_THREADS
    bool has_reader; // a thread sleeps on the stream and wakes the waiters
    uint8_t sleepers; // how many threads sleep on the descriptor
    uint8_t leavers; // how many still sleep on that of a connection that is over
    #endif
    #if !UMQTT_THREADS
    bool locked;
    #endif
    #if !(UMQTT_UNIX && UMQTT_THREADS)
    uint8_t nap_ms; // the last one since something was moved
    #endif
    uint16_t slots_held; // whose objects are kept, bit n for slot n
    uint16_t port;
    uint16_t keep_alive_s;
    uint32_t answer_timeout_ms;
    int16_t lost_errno; // why there is no connection any more
    uint16_t kept_16; // how much is kept in the queue, in units of 16 octets
    #if UMQTT_UNIX
    int fd; // of sock, or -1
    #endif
    uint32_t bytes_out; // counted since the client was made, as bytes_in
    uint32_t bytes_in;
    #if UMQTT_UNIX && UMQTT_THREADS
    int takers; // of the mutex: who holds it and who wait
    #endif

    // Given by the user; MP_OBJ_NULL where there is none.
    mp_obj_t server;
    mp_obj_t field[UMQTT_CONNECT_FIELDS]; // of CONNECT
    mp_obj_t ssl; // an SSLContext, True or False
    mp_obj_t ssl_params; // a dict
    mp_obj_t callback; // may be None

    // The connection; MP_OBJ_NULL where there is none.
    mp_obj_t sock;
    mp_obj_t stream; // sock itself, or TLS around it
    mp_obj_t raised; // by the stream, while Rust was running
    mp_obj_t last_error; // of the network or the Server

    mqttclient_kept_t *queue; // the newest; or NULL
    #if UMQTT_QUICK
    mp_obj_t last_topic; // of the message before, as bytes; or MP_OBJ_NULL
    #endif
    byte *room[2]; // for a long message
    uint32_t room_len[2];

    // What the exchanges under way are about, by slot: Rust asks for it until it is acknowledged.
    struct {
        mp_obj_t topic;
        mp_obj_t msg;
    } slot[UMQTT_IN_FLIGHT];

    #if UMQTT_THREADS
    // The mutex, around each use of this struct and of the state.
    #if UMQTT_UNIX
    sem_t handed_over; // to one of those who wait
    #elif !MICROPY_PY_THREAD_GIL
    mp_thread_mutex_t mutex;
    #endif
    void *owner; // the thread that holds the mutex
    void *callback_thread; // the thread that runs the callback now
    #if UMQTT_UNIX
    mqttclient_waiter_t *waiters;
    #endif
    #endif

    #if UMQTT_EXTRAS
    // Which thread's method has raised and left its message in this slot: a number made of the thread; 0: none. It stands here to
    // take no more room.
    uint16_t left_by[UMQTT_IN_FLIGHT];
    #endif

    umqtt_state_t state;
} mqttclient_obj_t;

extern const mp_obj_type_t mp_type_umqtt_MQTTClient;
extern const mp_obj_type_t mp_type_MQTTException;

// No time limit, for deadlines in ticks_ms; a deadline that would be this one is a millisecond later.
#define MQTTCLIENT_NO_DEADLINE (0)

// The place of CONNECT, for finished().
#define MQTTCLIENT_CONNECT_PLACE (-1)

// Phases of a connection; stats.c has their names.
enum { MQTTCLIENT_RESOLVE, MQTTCLIENT_CONNECT, MQTTCLIENT_TLS, MQTTCLIENT_CONNACK, MQTTCLIENT_SESSION };

// The place of DISCONNECT.
#define MQTTCLIENT_DISCONNECT_PLACE (-2)

// A status beside those of umqtt.h: nothing was done yet, begin with a poll.
#define MQTTCLIENT_POLL (-1)

// And an error: there is no memory for step->code octets.
#define MQTTCLIENT_NO_MEMORY (UINT8_MAX)

// wait.c: the mutex, and the one place that sleeps.
#if UMQTT_THREADS
void mqttclient_init_mutex(mqttclient_obj_t *self);
#endif
void mqttclient_lock(mqttclient_obj_t *self);
void mqttclient_unlock(mqttclient_obj_t *self);
#if UMQTT_UNIX && UMQTT_THREADS
void mqttclient_wake_others(mqttclient_obj_t *self);
void mqttclient_await_sleepers(mqttclient_obj_t *self);
#else
// Nobody waits for another thread to read.
static inline void mqttclient_wake_others(mqttclient_obj_t *self) {
    (void)self;
}
#endif
bool mqttclient_sleep(mqttclient_obj_t *self, unsigned want, uint32_t ms);
bool mqttclient_run_pending(mqttclient_obj_t *self);
int mqttclient_await_connected(mp_obj_t sock, uint32_t ms);
int mqttclient_fileno(mp_obj_t sock);
uint32_t mqttclient_ms_until(uint32_t deadline);
uint32_t mqttclient_deadline_after(uint32_t ms);

// exchange.c: runs Rust's steps until what is awaited has come.
bool mqttclient_octets(mp_obj_t obj, umqtt_octets_t *octets);
void mqttclient_begin_step(mqttclient_obj_t *self, umqtt_step_t *step);
bool mqttclient_run(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, int status, bool waits, uint32_t deadline);
bool mqttclient_exchange(mqttclient_obj_t *self, umqtt_step_t *step, mp_obj_t topic, mp_obj_t msg, int status, bool waits);
int mqttclient_flush(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited);
int mqttclient_poll(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited);
void mqttclient_forget_finished(mqttclient_obj_t *self);
void mqttclient_forget_left(mqttclient_obj_t *self);
bool mqttclient_has_left(const mqttclient_obj_t *self, uint8_t slot);

// construct.c: makes a client; the checks of arguments.
mp_obj_t mqttclient_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args);
mqttclient_obj_t *mqttclient_self(mp_obj_t self_in);
MP_DECLARE_CONST_FUN_OBJ_1(mqttclient_del_obj);
UMQTT_NORETURN void mqttclient_raise_no_buffer(void);
umqtt_octets_t mqttclient_octets_of(mp_obj_t obj);
void mqttclient_check_field(mp_obj_t obj);
void mqttclient_check_credentials(mp_obj_t user, mp_obj_t password);
mp_obj_t mqttclient_unchanging(mp_obj_t obj);
uint8_t mqttclient_qos(mp_obj_t obj);

// message.c: what becomes of a message that has come.
void mqttclient_forget_fields(mqttclient_obj_t *self);
int mqttclient_make_room(mqttclient_obj_t *self, umqtt_step_t *step);
bool mqttclient_has_room_to_keep(const mqttclient_obj_t *self);
int mqttclient_keep(mqttclient_obj_t *self, umqtt_step_t *step);
void mqttclient_tell_kept(mqttclient_obj_t *self, umqtt_step_t *step);
bool mqttclient_call_back(mqttclient_obj_t *self, const umqtt_step_t *step, mqttclient_kept_t *kept);
static inline uint8_t mqttclient_qos_of(uint8_t flags) {
    return flags >> 1 & 3;
}

// quick.c: the short way of publish, and what it shares with mqttclient.c and exchange.c. Where it is not built these keep that
// to themselves, which is less code.
#if UMQTT_QUICK
#define MQTTCLIENT_SHARED
mp_obj_t mqttclient_publish_quickly(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args);
mp_obj_t mqttclient_publish(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args);
void mqttclient_hold(mqttclient_obj_t *self, uint8_t slot, mp_obj_t topic, mp_obj_t msg);
void mqttclient_release(mqttclient_obj_t *self, uint8_t slot);
void mqttclient_finish(mqttclient_obj_t *self);
UMQTT_NORETURN void mqttclient_fail(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t awaited, uint8_t connection, int status);
#else
#define MQTTCLIENT_SHARED static
#endif

// connection.c: opens and closes.
mp_obj_t mqttclient_call(mp_obj_t obj, qstr name, size_t n_args, const mp_obj_t *args);
mp_obj_t mqttclient_import(qstr first, qstr second, qstr third);
void mqttclient_connect(mqttclient_obj_t *self, mp_obj_t given);
void mqttclient_check_stream(mp_obj_t stream);
mp_obj_t mqttclient_connected(mqttclient_obj_t *self);
void mqttclient_drop(mqttclient_obj_t *self, int lost_errno);
int mqttclient_hang_up_step(mqttclient_obj_t *self, umqtt_step_t *step);
mp_obj_t mqttclient_hang_up(mqttclient_obj_t *self, bool waits);

// errors.c: statuses to exceptions. code: the errno of UMQTT_STREAM_ERROR, the return code of UMQTT_REFUSED.
mp_obj_t mqttclient_error(int status, int code);
UMQTT_NORETURN void mqttclient_raise(int status, int code);
void mqttclient_check(int status);

// mqttclient.c: what the methods of asynchronous.c share with those that wait.
int mqttclient_begin(mqttclient_obj_t *self, umqtt_step_t *step, uint8_t kind, mp_obj_t topic, mp_obj_t msg, uint8_t qos, bool retain);
void mqttclient_prepare(mqttclient_obj_t *self, bool clean_session, mp_obj_t timeout);

// How far the connection has come, for stats(). The mutex is held.
static inline void mqttclient_enter_phase(mqttclient_obj_t *self, uint8_t phase) {
    #if UMQTT_EXTRAS
    self->phase = phase & 7;
    #else
    (void)self;
    (void)phase;
    #endif
}

// stats.c, asynchronous.c, package.c: what goes beyond the guide.
void mqttclient_note_error(mqttclient_obj_t *self, mp_obj_t exception);
MP_DECLARE_CONST_FUN_OBJ_1(mqttclient_stats_obj);
extern const mp_stream_p_t mqttclient_stream_p;
mp_obj_t mqttclient_waits_for(mqttclient_obj_t *self, const umqtt_step_t *step);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_start_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_start_connect_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_finished_obj);
MP_DECLARE_CONST_FUN_OBJ_1(mqttclient_unfinished_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(mqttclient_discard_obj);
bool mqttclient_wants_reconnect(size_t n_args, size_t n_kw, const mp_obj_t *all_args);
mp_obj_t mqttclient_new_reconnecting(size_t n_args, size_t n_kw, const mp_obj_t *all_args);

// tls.c: the stream inside a socket's TLS connection.
bool mqttclient_is_ssl_context(mp_obj_t obj);
mp_obj_t mqttclient_ssl_params(mp_obj_t params);
mp_obj_t mqttclient_wrap_tls(mqttclient_obj_t *self, mp_obj_t sock);

#endif // UMQTT_MQTTCLIENT_H
