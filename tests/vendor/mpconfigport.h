// Stands for mpconfigport.h of both of the vendor's ports: their settings, as far as the module or the headers it reads meet them.
#include <alloca.h>
#include <stdint.h>

#define MICROPY_ENABLE_COMPILER (1)
#define MICROPY_ENABLE_GC (1)
#define MICROPY_ENABLE_FINALISER (1)
#define MICROPY_ENABLE_SCHEDULER (1)
#define MICROPY_SCHEDULER_DEPTH (64)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_NLR_SETJMP (1)
#define MICROPY_PY_THREAD (1)
#define MICROPY_PY_THREAD_GIL (1)
#define MICROPY_PY_THREAD_GIL_VM_DIVISOR (32)
#define MICROPY_STREAMS_NON_BLOCK (0)
#define MICROPY_USE_INTERNAL_ERRNO (1)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_DOUBLE)
#define MICROPY_CPYTHON_COMPAT (1)
#define MICROPY_PY_BUILTINS_BYTEARRAY (1)
#define MICROPY_PY_BUILTINS_MEMORYVIEW (1)
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_NORMAL)
#define MICROPY_ALLOC_PATH_MAX (512)
#define MICROPY_QSTR_BYTES_IN_HASH (1)

// A long in the one, an int in the other.
#if MICROPY_VERSION_MINOR < 20
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
#else
typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
#endif
typedef long mp_off_t;
#define UINT_FMT "%lu"
#define INT_FMT "%ld"
#define BYTES_PER_WORD (4)

#define MP_STATE_PORT MP_STATE_VM
#define MICROPY_PORT_ROOT_POINTERS const char *readline_hist[8];

// It does not sleep.
#define MICROPY_EVENT_POLL_HOOK \
    do { \
        mp_handle_pending(true); \
        MP_THREAD_GIL_EXIT(); \
        MP_THREAD_GIL_ENTER(); \
    } while (0);
