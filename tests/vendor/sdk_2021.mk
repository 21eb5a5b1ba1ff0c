# As the vendor's ports/quectel/core/Makefile of 2021 (MicroPython 1.13) does it: user modules are taken in before there is any
# target, under names of its own; make only makes the generated headers; the SDK compiles what its own lists name.
#
# `run` says MICROPYTHON_DIR, BUILD, UMQTT_TARGET_DIR and what builds Rust.

include $(MICROPYTHON_DIR)/py/mkenv.mk
include flags.mk
# Its MicroPython is too old for the layers.
UMQTT_EXTRAS = 0
# The vendor's has no mkenv.mk, which brings a first target.
.DEFAULT_GOAL :=

MODULES = $(abspath ../..)
HEADER_BUILD = $(BUILD)/genhdr
SRC_USERMOD :=
C_FLAGS_USERMOD :=
LD_FLAGS_USERMOD :=
$(foreach module, $(wildcard $(MODULES)/*/micropython.mk), \
	$(eval USERMOD_DIR = $(patsubst %/,%,$(dir $(module)))) \
	$(eval include $(module)) \
)
SRC_MOD = $(patsubst $(MODULES)/%.c,%.c,$(SRC_USERMOD))
C_FLAGS = $(INC) -std=gnu99 $(C_FLAGS_USERMOD)
D_FLAGS = -DVENDOR_TREE=2021
CFLAGS = $(C_FLAGS) $(D_FLAGS)

# The first target.
headers: $(HEADER_BUILD)/qstrdefs.generated.h $(HEADER_BUILD)/moduledefs.h

# What makes the headers. The tree that a registry has is the core alone, and PROG says so to it.
PROG := mpy-cross
include $(TOP)/py/py.mk
SRC_QSTR += $(SRC_MOD)
USER_C_MODULES = $(MODULES)
include $(TOP)/py/mkrules.mk
$(BUILD)/mpy-cross: ;

# And what an SDK does of its own accord.
include ../../cmodule/sources.mk
SDK_OBJ = $(addprefix $(BUILD)/sdk/,$(UMQTT_SOURCES:.c=.o))
sdk: $(BUILD)/module.o
$(SDK_OBJ): $(BUILD)/sdk/%.o: ../../cmodule/%.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SDK_CFLAGS) $(PORT_CFLAGS) $(STRICT) $(INC) -I../../cmodule -DUMQTT_EXTRAS=0 -DUMQTT_QUICK=0 -DUMQTT_WINDOW=1400 -c -o $@ $<
$(BUILD)/module.o: $(SDK_OBJ)
	$(Q)$(LD) -r -z noexecstack -o $@ $(SDK_OBJ) $(UMQTT_RUST)
