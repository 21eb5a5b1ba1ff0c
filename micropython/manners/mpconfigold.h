// What trees up to 1.19 ask of a port, and newer ones see to themselves.
#if MANNERS_OLD

#define BYTES_PER_WORD                          (sizeof(mp_int_t))
#define MICROPY_PERSISTENT_CODE_LOAD            (1)
#define MICROPY_PY_BUILTINS_MEMORYVIEW          (1)
#define MICROPY_PY_BUILTINS_BYTES_HEX           (1)
#define MICROPY_PY_BUILTINS_ROUND_INT           (1)
#define MICROPY_PY_FUNCTION_ATTRS               (1)
#define MICROPY_PY_BUILTINS_FROZENSET           (1)
#define MICROPY_PY_BUILTINS_STR_PARTITION       (1)
#define MICROPY_PY_BUILTINS_STR_SPLITLINES      (1)
#define MICROPY_PY_BUILTINS_STR_CENTER          (1)
#define MICROPY_PY_BUILTINS_TIMEOUTERROR        (1)
#define MICROPY_PY_BUILTINS_POW3                (1)
#define MICROPY_PY_DELATTR_SETATTR              (1)
#define MICROPY_PY_DESCRIPTORS                  (1)
#define MICROPY_PY_IO_BUFFEREDWRITER            (0)
#define MICROPY_PORT_BUILTINS
#define MICROPY_PORT_ROOT_POINTERS

#endif
