// Our variant of the Unix port: `standard`, but Ctrl-C never jumps out of C or Rust.
//
// Found through the port's own `-I.`, so it is the header of whichever checkout is being built.
#include "variants/standard/mpconfigvariant.h"

// Off: the signal handler only notes Ctrl-C, and KeyboardInterrupt comes out of mp_handle_pending.
// Trees up to 1.19 define it later, in mpconfigport.h, where it stays on: the module bears that too.
#ifdef MICROPY_ASYNC_KBD_INTR
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (0)
#endif
