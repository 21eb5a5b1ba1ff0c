// The configuration of the system's Mbed TLS, as scripts/build_unix shows it to MicroPython: without the debug module, for
// which MicroPython would print every step of every handshake to stdout. No layout depends on it.
#if defined(__has_include) && __has_include(<mbedtls/mbedtls_config.h>)
#include <mbedtls/mbedtls_config.h>
#else
#include <mbedtls/config.h>
#endif

#undef MBEDTLS_DEBUG_C
