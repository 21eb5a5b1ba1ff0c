// Module network: what the port adds to the table of extmod/modnetwork.c, which includes this file.

{ MP_ROM_QSTR(MP_QSTR_LAN), MP_ROM_PTR(&network_lan_type) },
