# The network: lwIP from LWIP_DIR, over the driver in this folder. A part of the port's Makefile.
#
# MicroPython's own list of lwIP's files (extmod.mk, MICROPY_PY_LWIP) wants them inside its tree, so it stays off there, and
# mpconfignetwork.h asks for the modules.

LWIP_DIR ?= $(abspath ../../build/lwip-2.2.1)

SRC_C += network.c network_lan.c smc91c111.c shared/netutils/netutils.c
INC += -Ilwip_inc -I$(LWIP_DIR)/src/include

# Between modlwip.c and lwIP, see network.c.
LDFLAGS += -Wl,--wrap=tcp_connect -Wl,--wrap=dns_gethostbyname_addrtype

LWIP_O = $(addprefix $(BUILD)/lwip/, $(addsuffix .o, \
	$(addprefix core/, def dns inet_chksum init ip mem memp netif pbuf tcp tcp_in tcp_out timeouts udp) \
	$(addprefix core/ipv4/, acd dhcp etharp icmp igmp ip4 ip4_addr ip4_frag) \
	netif/ethernet))
PY_O += $(LWIP_O)

# Their warnings are not for us to mend.
$(LWIP_O): CFLAGS += -Wno-error
$(BUILD)/lwip/%.o: $(LWIP_DIR)/src/%.c
	$(call compile_c)
