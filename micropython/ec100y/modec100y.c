// Module ec100y: class Flash, the block device of the file system (os.AbstractBlockDev, the extended interface), and
// idle_us.

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "flash.h"
#include "mphalport.h"

typedef struct _flash_obj_t {
    mp_obj_base_t base;
} flash_obj_t;

extern const mp_obj_type_t ec100y_flash_type;
static const flash_obj_t flash_obj = { { &ec100y_flash_type } };

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    if (!flash_init()) {
        mp_raise_OSError(MP_ENODEV);
    }
    return MP_OBJ_FROM_PTR(&flash_obj);
}

// The place that (block, buffer[, offset]) mean; the buffer lies within the chip.
static uint32_t place(size_t n_args, const mp_obj_t *args, mp_buffer_info_t *buffer, mp_uint_t flags) {
    mp_get_buffer_raise(args[2], buffer, flags);
    uint64_t start = (uint64_t)mp_obj_get_int_truncated(args[1]) * flash_block_size();
    start += n_args > 3 ? (uint32_t)mp_obj_get_int_truncated(args[3]) : 0;
    if (start + buffer->len > flash_size()) {
        mp_raise_OSError(MP_EINVAL);
    }
    return start;
}

static mp_obj_t outcome(bool good) {
    return MP_OBJ_NEW_SMALL_INT(good ? 0 : -MP_EIO);
}

static mp_obj_t flash_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    uint32_t offset = place(n_args, args, &buffer, MP_BUFFER_WRITE);
    flash_read(offset, buffer.buf, buffer.len);
    return outcome(true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

static mp_obj_t flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    uint32_t offset = place(n_args, args, &buffer, MP_BUFFER_READ);
    if (offset % 4 != 0 || buffer.len % 4 != 0) {
        mp_raise_OSError(MP_EINVAL);
    }
    // Without an offset whole blocks are meant, and they are erased first.
    bool good = true;
    for (uint32_t at = 0; n_args == 3 && good && at < buffer.len; at += flash_block_size()) {
        good = flash_erase(offset + at);
    }
    return outcome(good && flash_write(offset, buffer.buf, buffer.len));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static mp_obj_t flash_ioctl(mp_obj_t self, mp_obj_t request, mp_obj_t argument) {
    (void)self;
    switch (mp_obj_get_int(request)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return outcome(true);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return mp_obj_new_int_from_uint(flash_size() / flash_block_size());
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return mp_obj_new_int_from_uint(flash_block_size());
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE: {
            uint64_t offset = (uint64_t)mp_obj_get_int_truncated(argument) * flash_block_size();
            return outcome(offset < flash_size() && flash_erase(offset));
        }
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(ec100y_flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE,
    make_new, flash_make_new,
    locals_dict, &flash_locals);

// For how long the processor has slept since the reset. The rest of a stretch of time is the work that a script made.
static mp_obj_t ec100y_idle_us(void) {
    return mp_obj_new_int_from_ull(board_idle_us);
}
static MP_DEFINE_CONST_FUN_OBJ_0(ec100y_idle_us_obj, ec100y_idle_us);

static const mp_rom_map_elem_t ec100y_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_ec100y) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&ec100y_flash_type) },
    { MP_ROM_QSTR(MP_QSTR_idle_us), MP_ROM_PTR(&ec100y_idle_us_obj) },
};
static MP_DEFINE_CONST_DICT(ec100y_globals, ec100y_globals_table);

const mp_obj_module_t ec100y_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&ec100y_globals,
};
MP_REGISTER_MODULE(MP_QSTR_ec100y, ec100y_module);
