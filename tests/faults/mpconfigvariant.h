// Our variant of the Unix port with the module `faults`, for tests: nothing else differs, unless there is to be a GIL.
#include "../../micropython/unix/mpconfigvariant.h"

#if UMQTT_GIL
// The port's Makefile defines it as 0.
#undef MICROPY_PY_THREAD_GIL
#define MICROPY_PY_THREAD_GIL (1)
// The port's own code wants these, whoever else needs none then.
#define MICROPY_PY_THREAD_RECURSIVE_MUTEX (1)
// A thread that sleeps lets the others run, as on those boards. The port's own sleep keeps the GIL.
#define MICROPY_EVENT_POLL_HOOK \
    do { \
        extern void mp_handle_pending(bool); \
        mp_handle_pending(true); \
        MP_THREAD_GIL_EXIT(); \
        mp_hal_delay_us(500); \
        MP_THREAD_GIL_ENTER(); \
    } while (0);
#endif
