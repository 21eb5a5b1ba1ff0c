// Stand-in for MicroPython's header: the host's error numbers under MicroPython's names.
#include <errno.h>

#define MP_EAGAIN EAGAIN
#define MP_ECONNRESET ECONNRESET
#define MP_EINPROGRESS EINPROGRESS
#define MP_ENOTCONN ENOTCONN
#define MP_ETIMEDOUT ETIMEDOUT
