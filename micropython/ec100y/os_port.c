// Module os: what the port adds to extmod/modos.c, which includes this file: chance.

static mp_obj_t mp_os_urandom(mp_obj_t count) {
    vstr_t octets;
    vstr_init_len(&octets, mp_obj_get_int(count));
    board_random(octets.buf, octets.len);
    return mp_obj_new_bytes_from_vstr(&octets);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
