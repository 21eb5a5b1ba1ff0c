// Scripts and modules from files of the machine, where there is no file system of MicroPython's (extmod).
#include <sys/stat.h>

#include "py/builtin.h"
#include "py/lexer.h"
#include "py/mperrno.h"
#include "py/runtime.h"

mp_import_stat_t mp_import_stat(const char *path) {
    struct stat found;
    if (stat(path, &found) != 0) {
        return MP_IMPORT_STAT_NO_EXIST;
    }
    return S_ISDIR(found.st_mode) ? MP_IMPORT_STAT_DIR : MP_IMPORT_STAT_FILE;
}

// Module uio has it. Scripts of the tests open no file.
mp_obj_t mp_builtin_open(size_t n_args, const mp_obj_t *args, mp_map_t *kwargs) {
    (void)n_args;
    (void)args;
    (void)kwargs;
    mp_raise_OSError(MP_ENOENT);
}
MP_DEFINE_CONST_FUN_OBJ_KW(mp_builtin_open_obj, 1, mp_builtin_open);
