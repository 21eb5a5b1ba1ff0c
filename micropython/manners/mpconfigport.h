// What of MicroPython this port has: the vendor's choice where umqtt meets it, in the versions 1.13 and 1.21 to 1.28. README.md
// says which of the vendor's sources each manner is from.

#include <alloca.h>
#include <stdint.h>

// 1.13 has no levels; what the tests need besides its defaults stands below.
#if MANNERS_OLD
#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_CORE_FEATURES)
#else
#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#endif

#define MICROPY_HW_BOARD_NAME                   "MANNERS"
#define MICROPY_HW_MCU_NAME                     "QUECTEL"
#define MICROPY_PY_SYS_PLATFORM                 "manners"

// Memory and threads.
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_ENABLE_FINALISER                (1)
#define MICROPY_STACK_CHECK                     (1)
#define MANNERS_HEAP                            (512 * 1024)
#define MICROPY_PY_THREAD                       (1)
#define MICROPY_PY_THREAD_GIL                   (1)
#define MICROPY_PY_THREAD_GIL_VM_DIVISOR        (32)
#define MICROPY_NLR_SETJMP                      (1)

#define MICROPY_ENABLE_SCHEDULER                (1)
#define MICROPY_SCHEDULER_DEPTH                 (64)
#define MICROPY_KBD_EXCEPTION                   (1)

// What is waiting is run, others get their turn, and nobody sleeps.
#define MICROPY_EVENT_POLL_HOOK \
    do { \
        extern void mp_handle_pending(bool); \
        mp_handle_pending(true); \
        MP_THREAD_GIL_EXIT(); \
        MP_THREAD_GIL_ENTER(); \
    } while (0);

// Whatever is scheduled wakes the thread that runs it. (In 1.13 the linker sees to that: Makefile.)
#define MICROPY_SCHED_HOOK_SCHEDULED            callbackdeal_wake()
void callbackdeal_wake(void);

// Off, as there: a stream's Python methods lose what they have moved when they would block.
#define MICROPY_STREAMS_NON_BLOCK               (0)
#define MICROPY_USE_INTERNAL_ERRNO              (1)

// The language.
#define MICROPY_ENABLE_COMPILER                 (1)
#define MICROPY_ENABLE_SOURCE_LINE              (1)
#define MICROPY_ERROR_REPORTING                 (MICROPY_ERROR_REPORTING_NORMAL)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_DOUBLE)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MPZ_DIG_SIZE                            (16)
#define MICROPY_CPYTHON_COMPAT                  (1)
#define MICROPY_PY_BUILTINS_STR_COUNT           (1)
#define MICROPY_PY_BUILTINS_STR_OP_MODULO       (1)
#define MICROPY_PY_BUILTINS_SLICE_ATTRS         (1)
#define MICROPY_PY_BUILTINS_NOTIMPLEMENTED      (1)
#define MICROPY_PY_ALL_SPECIAL_METHODS          (1)
#define MICROPY_PY_ATTRTUPLE                    (1)
#define MICROPY_PY___FILE__                     (1)
#define MICROPY_PY_MICROPYTHON_MEM_INFO         (1)
#define MICROPY_PY_SYS_EXIT                     (1)
#define MICROPY_PY_SYS_STDFILES                 (!MANNERS_OLD)
#define MICROPY_PY_SYS_MAXSIZE                  (1)
#define MICROPY_PY_SYS_PATH_ARGV_DEFAULTS       (0)
#define MICROPY_PY_IO                           (1)
#define MICROPY_PY_IO_FILEIO                    (!MANNERS_OLD)
#define MICROPY_PY_IO_IOBASE                    (1)

// Modules. No select, no asyncio, no module time, socket, ssl or tls: modusocket.c, modussl.c and modutime.c have the vendor's.
#define MICROPY_PY_SELECT                       (0)
#define MICROPY_PY_ASYNCIO                      (0)
#define MICROPY_PY_TIME                         (0)
#define MICROPY_PY_SSL                          (0)
#define MICROPY_PY_UTIME_MP_HAL                 (0)
#define MICROPY_PY_PLATFORM                     (0)
#define MICROPY_PY_MACHINE                      (0)
#define MICROPY_PY_OS_INCLUDEFILE               "os_port.c"
#define MICROPY_PY_OS_GETENV_PUTENV_UNSETENV    (1)
#define MICROPY_PY_UERRNO                       (1)

// Scripts are files of the machine that this runs on; up to 1.19 read without extmod, which the old tree has not.
#define MICROPY_VFS                             (!MANNERS_OLD)
#define MICROPY_VFS_POSIX                       (!MANNERS_OLD)
#define MICROPY_READER_VFS                      (!MANNERS_OLD)
#define MICROPY_READER_POSIX                    (MANNERS_OLD)
#define MICROPY_HELPER_REPL                     (0)
#define MICROPY_PY_BUILTINS_INPUT               (0)

typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX                            (INTPTR_MAX)
#define UINT_FMT                                "%lu"
#define INT_FMT                                 "%ld"
#define MP_STATE_PORT                           MP_STATE_VM

#include "mpconfigold.h"
