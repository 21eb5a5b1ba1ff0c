// What of MicroPython network and TLS need: a part of mpconfigport.h.

#define MICROPY_PY_LWIP                         (1) // gives module socket
#define MICROPY_PY_NETWORK                      (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT     "ec100y"
#define MICROPY_PY_NETWORK_INCLUDEFILE          "network_lan.h"
#define MICROPY_PY_NETWORK_MODULE_GLOBALS_INCLUDEFILE "network_globals.h"

// Whatever waits, and be it in a scheduled callback, goes on receiving.
#define MICROPY_INTERNAL_EVENT_HOOK             network_poll()
void network_poll(void);

// Mbed TLS takes its memory from the Python heap.
#define MICROPY_PY_SSL                          (1)
#define MICROPY_SSL_MBEDTLS                     (1)
#define MICROPY_TRACKED_ALLOC                   (1)
