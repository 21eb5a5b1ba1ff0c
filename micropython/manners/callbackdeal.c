// The vendor's thread that runs what is scheduled: each mp_sched_schedule() wakes it, and it runs the hook, as any thread may
// that comes by first.
#include <semaphore.h>

#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"
#include "py/stackctrl.h"

#include "callbackdeal.h"

#define STACK_SIZE (16 * 1024 * MANNERS_WORDS)

static sem_t messages;
static bool is_running;
static __thread bool is_this_thread;
static mp_obj_dict_t *globals;

void callbackdeal_wake(void) {
    if (is_running && !is_this_thread) {
        sem_post(&messages);
    }
}

#if MANNERS_OLD
bool __real_mp_sched_schedule(mp_obj_t function, mp_obj_t argument);
bool __wrap_mp_sched_schedule(mp_obj_t function, mp_obj_t argument);

bool __wrap_mp_sched_schedule(mp_obj_t function, mp_obj_t argument) {
    bool done = __real_mp_sched_schedule(function, argument);
    if (done) {
        callbackdeal_wake();
    }
    return done;
}
#endif

static void *run(void *unused) {
    (void)unused;
    mp_state_thread_t state = { 0 };
    is_this_thread = true;
    mp_thread_set_state(&state);
    mp_stack_set_top(&state + 1);
    mp_stack_set_limit(STACK_SIZE - MANNERS_STACK_MARGIN);
    mp_locals_set(globals);
    mp_globals_set(globals);
    manners_thread_begin();
    for (;;) {
        while (sem_wait(&messages) != 0) {
        }
        MP_THREAD_GIL_ENTER();
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            MICROPY_EVENT_POLL_HOOK
            nlr_pop();
        } else {
            mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
        }
        MP_THREAD_GIL_EXIT();
    }
    return NULL;
}

void callbackdeal_start(void) {
    sem_init(&messages, 0, 0);
    globals = mp_globals_get();
    is_running = manners_run(run, NULL, STACK_SIZE) == 0;
}
