// Class network.LAN: the Ethernet interface as scripts see it, as on MicroPython's other ports.

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/modnetwork.h"
#include "lwip/netif.h"
#include "network.h"
#include "network_lan.h"

// What status() gives, the numbers of the stm32 port.
enum { STATUS_DOWN = 0, STATUS_NO_ADDRESS = 2, STATUS_CONNECTED = 3 };

typedef struct _network_lan_obj_t {
    mp_obj_base_t base;
} network_lan_obj_t;

static const network_lan_obj_t network_lan_obj = { { &network_lan_type } };

static int lan_status(void) {
    const struct netif *nic = network_nic();
    if (!netif_is_up(nic)) {
        return STATUS_DOWN;
    }
    return ip4_addr_isany_val(*netif_ip4_addr(nic)) ? STATUS_NO_ADDRESS : STATUS_CONNECTED;
}

static void network_lan_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)self_in;
    (void)kind;
    char address[IP4ADDR_STRLEN_MAX];
    ip4addr_ntoa_r(netif_ip4_addr(network_nic()), address, sizeof(address));
    mp_printf(print, "<LAN %d %s>", lan_status(), address);
}

static mp_obj_t network_lan_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    if (network_nic() == NULL) {
        mp_raise_OSError(MP_ENODEV);
    }
    return MP_OBJ_FROM_PTR(&network_lan_obj);
}

static mp_obj_t network_lan_active(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return mp_obj_new_bool(netif_is_up(network_nic()));
    }
    network_set_active(mp_obj_is_true(args[1]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(network_lan_active_obj, 1, 2, network_lan_active);

static mp_obj_t network_lan_isconnected(mp_obj_t self_in) {
    (void)self_in;
    return mp_obj_new_bool(lan_status() == STATUS_CONNECTED);
}
static MP_DEFINE_CONST_FUN_OBJ_1(network_lan_isconnected_obj, network_lan_isconnected);

static mp_obj_t network_lan_status(mp_obj_t self_in) {
    (void)self_in;
    return MP_OBJ_NEW_SMALL_INT(lan_status());
}
static MP_DEFINE_CONST_FUN_OBJ_1(network_lan_status_obj, network_lan_status);

static mp_obj_t network_lan_ifconfig(size_t n_args, const mp_obj_t *args) {
    return mod_network_nic_ifconfig(network_nic(), n_args - 1, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(network_lan_ifconfig_obj, 1, 2, network_lan_ifconfig);

static mp_obj_t network_lan_ipconfig(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    return mod_network_nic_ipconfig(network_nic(), n_args - 1, args + 1, kw_args);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(network_lan_ipconfig_obj, 1, network_lan_ipconfig);

static mp_obj_t network_lan_config(mp_obj_t self_in, mp_obj_t name) {
    (void)self_in;
    if (mp_obj_str_get_qstr(name) != MP_QSTR_mac) {
        mp_raise_ValueError(MP_ERROR_TEXT("unknown config param"));
    }
    const struct netif *nic = network_nic();
    return mp_obj_new_bytes(nic->hwaddr, nic->hwaddr_len);
}
static MP_DEFINE_CONST_FUN_OBJ_2(network_lan_config_obj, network_lan_config);

static const mp_rom_map_elem_t network_lan_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_active), MP_ROM_PTR(&network_lan_active_obj) },
    { MP_ROM_QSTR(MP_QSTR_isconnected), MP_ROM_PTR(&network_lan_isconnected_obj) },
    { MP_ROM_QSTR(MP_QSTR_status), MP_ROM_PTR(&network_lan_status_obj) },
    { MP_ROM_QSTR(MP_QSTR_ifconfig), MP_ROM_PTR(&network_lan_ifconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_ipconfig), MP_ROM_PTR(&network_lan_ipconfig_obj) },
    { MP_ROM_QSTR(MP_QSTR_config), MP_ROM_PTR(&network_lan_config_obj) },
};
static MP_DEFINE_CONST_DICT(network_lan_locals, network_lan_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    network_lan_type, MP_QSTR_LAN, MP_TYPE_FLAG_NONE,
    make_new, network_lan_make_new,
    print, network_lan_print,
    locals_dict, &network_lan_locals
    );
