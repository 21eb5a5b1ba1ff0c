// Class network.LAN, for extmod/modnetwork.c.
#pragma once

#include "py/obj.h"

extern const mp_obj_type_t network_lan_type;
