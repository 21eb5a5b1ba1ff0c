// What MicroPython asks of the machine, as far as it is told by header.
#pragma once

#include <errno.h>

void mp_hal_set_interrupt_char(char c);

#if MANNERS_OLD
// There are no pins, and nobody is to look for them in extmod.
#define mp_hal_pin_obj_t mp_obj_t
#endif

// The vendor's port has none; here scheduling comes from threads that hold the GIL, and Ctrl-C from one that does not.
unsigned manners_begin_atomic(void);
void manners_end_atomic(unsigned state);
#define MICROPY_BEGIN_ATOMIC_SECTION()      manners_begin_atomic()
#define MICROPY_END_ATOMIC_SECTION(state)   manners_end_atomic(state)

// For MicroPython's files, which are those of the machine.
#define MP_HAL_RETRY_SYSCALL(ret, syscall, raise) \
    do { \
        while ((ret = (syscall)) == -1) { \
            int err = errno; \
            if (err != EINTR) { \
                raise; \
                break; \
            } \
        } \
    } while (0)

// Ends the main thread's sleep, if it is in one.
void manners_wake_main_thread(void);

// The beginning of the last text that was printed, for tests.
extern char manners_printed[64];
