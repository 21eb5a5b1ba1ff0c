// What Rust's compiler calls to copy and fill memory on ARM, where a port without a C library has nothing by these names.
// The run-time ABI for the Arm architecture defines them; a firmware without Rust's code in it drops them all.
#if defined(__ARM_EABI__)

#include <string.h>

// clang makes a call of memcpy one of __aeabi_memcpy, which here would be one of itself without end, whatever attribute forbids
// it. So it must not see what is called. gcc leaves the call alone.
#ifdef __clang__
#define UNSEEN(function) ({ __typeof__(&function) unseen = function; __asm__ ("" : "+r" (unseen)); unseen; })
#else
#define UNSEEN(function) function
#endif

#define COPY(name, function) \
    void name(void *to, const void *from, size_t n); \
    __attribute__((weak)) void name(void *to, const void *from, size_t n) { \
        UNSEEN(function)(to, from, n); \
    }

// Length and value change places.
#define FILL(name) \
    void name(void *to, size_t n, int value); \
    __attribute__((weak)) void name(void *to, size_t n, int value) { \
        UNSEEN(memset)(to, value, n); \
    }

#define CLEAR(name) \
    void name(void *to, size_t n); \
    __attribute__((weak)) void name(void *to, size_t n) { \
        UNSEEN(memset)(to, 0, n); \
    }

COPY(__aeabi_memcpy, memcpy)
COPY(__aeabi_memcpy4, memcpy)
COPY(__aeabi_memcpy8, memcpy)
COPY(__aeabi_memmove, memmove)
COPY(__aeabi_memmove4, memmove)
COPY(__aeabi_memmove8, memmove)
FILL(__aeabi_memset)
FILL(__aeabi_memset4)
FILL(__aeabi_memset8)
CLEAR(__aeabi_memclr)
CLEAR(__aeabi_memclr4)
CLEAR(__aeabi_memclr8)

#endif
