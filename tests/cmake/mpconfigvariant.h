// The Unix port's variant `standard` without what extmod.cmake knows only by parts.
#include "variants/standard/mpconfigvariant.h"

#undef MICROPY_PY_CRYPTOLIB
#undef MICROPY_PY_MACHINE
#undef MICROPY_PY_MACHINE_PULSE
#undef MICROPY_PY_MACHINE_PIN_BASE
#undef MICROPY_VFS_ROM
#define MICROPY_VFS_FAT (0)
#define MICROPY_VFS_LFS1 (0)
#define MICROPY_VFS_LFS2 (0)
