// What of MicroPython this port has. The rest is as MicroPython sets it for ports of its "extra features" level.

#include <alloca.h>
#include <stdint.h>

#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#define MICROPY_HW_BOARD_NAME                   "EC100Y-class board"
#define MICROPY_HW_MCU_NAME                     "Cortex-R5"
#define MICROPY_PY_SYS_PLATFORM                 "ec100y"

// As on the vendor's firmware: 512 KiB of heap, 64 KiB of stack (ec100y.ld), soft float, no threads, no native code.
#define MICROPY_HEAP_SIZE                       (512 * 1024)
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_STACK_CHECK_MARGIN              (1024)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MP_NEED_LOG2                            (1)

#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF  (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE    (256)
#define MICROPY_KBD_EXCEPTION                   (1)
#define MICROPY_SCHEDULER_STATIC_NODES          (1)
#define MICROPY_REPL_EMACS_KEYS                 (1)

// Files.
#define MICROPY_VFS                             (1)
#define MICROPY_READER_VFS                      (1)
#define MICROPY_PERSISTENT_CODE_LOAD            (1)

// Modules.
#define MICROPY_PY_OS_INCLUDEFILE               "os_port.c"
#define MICROPY_PY_OS_URANDOM                   (1)
#define MICROPY_PY_OS_UNAME                     (1)
#define MICROPY_PY_TIME_INCLUDEFILE             "time_port.c"
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS            (1)
#define MICROPY_PY_MACHINE                      (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE          "machine_port.c"
#define MICROPY_PY_MACHINE_RESET                (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS     (1)
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (1)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC        (board_random_seed())

#include "mpconfignetwork.h"

// MicroPython's own error numbers, as on Unix: newlib counts otherwise.
#define MICROPY_USE_INTERNAL_ERRNO              (1)

// Types of this machine.
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX                            (0x7fffffff)
#define MICROPY_MAKE_POINTER_CALLABLE(p)        ((void *)((mp_uint_t)(p) | 1))

#define MP_STATE_PORT                           MP_STATE_VM

uint32_t board_random_seed(void);
