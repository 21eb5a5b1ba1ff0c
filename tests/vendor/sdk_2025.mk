# As the vendor's ports/quectel/Makefile of 2025 (MicroPython 1.28) does it: make ends in an archive of OBJ, in which are the core's
# objects, and not those of user modules. One of the core's is enough here.
#
# `run` says MICROPYTHON_DIR, BUILD, UMQTT_TARGET_DIR and what builds Rust.

include $(MICROPYTHON_DIR)/py/mkenv.mk
include flags.mk

USER_C_MODULES = $(abspath ../..)
UMQTT_ADD_TO_OBJ = 1
CFLAGS = $(INC) $(SDK_CFLAGS) -Wno-unused-parameter -Wno-sign-compare -Wformat=0 -Wno-unused-function
include $(TOP)/py/py.mk

OBJ += $(PY_BUILD)/mpstate.o
$(UMQTT_OBJECTS): private CFLAGS += $(PORT_CFLAGS) $(STRICT) -Wunused-parameter -Wsign-compare -Wformat -Wunused-function

all: $(BUILD)/firmware.a

$(BUILD)/firmware.a: $(OBJ)
	$(ECHO) "AR $@"
	$(Q)$(AR) -cr $@ $^

$(BUILD)/module.o: $(BUILD)/firmware.a
	$(Q)$(LD) -r -z noexecstack -o $@ --whole-archive $<

include $(TOP)/py/mkrules.mk
