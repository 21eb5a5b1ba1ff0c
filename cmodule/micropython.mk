# How a port that builds with make picks the module up: USER_C_MODULES=<this repository>.
#
# Settings, on make's command line or in the environment:
#   UMQTT_RUST_TARGET   Rust's name of the port's target, such as thumbv7em-none-eabihf; empty: the host
#   UMQTT_CARGO         the cargo to run, with what must stand before it (env RUSTC_BOOTSTRAP=1 ... cargo)
#   UMQTT_CARGO_FLAGS   more flags for it, such as -Zbuild-std=core
#   UMQTT_RX_BUFFER, UMQTT_IN_FLIGHT, UMQTT_INCOMING, UMQTT_WINDOW   capacities, see build.rs
#   UMQTT_KEPT          octets of messages kept while a callback runs, at most 524288, see umqtt.h; only C uses it
#   UMQTT_EXTRAS        1, the default: what goes beyond the guide (stats, asyncio, umqtt.simple and so on); 0: without
#   UMQTT_QUICK         1: short ways for what happens most, for some more code; 0: none. Default: 1 on the host, else 0
#   UMQTT_ADD_TO_OBJ    1: for a port that names the core's objects in OBJ, and not those of user modules
#
# The target umqtt-rust makes Rust's object alone, for a tree whose make compiles no C.

# A port may include this before it has a target of its own.
UMQTT_DEFAULT_GOAL := $(.DEFAULT_GOAL)

include $(USERMOD_DIR)/sources.mk

UMQTT_CARGO ?= cargo
# A host has room for speed; a microcontroller's flash comes first.
UMQTT_QUICK ?= $(if $(UMQTT_RUST_TARGET),0,1)
UMQTT_COMMA := ,
UMQTT_FEATURES := firmware$(if $(filter 1,$(UMQTT_QUICK)),$(UMQTT_COMMA)quick)$(if $(filter 1,$(UMQTT_EXTRAS)),$(UMQTT_COMMA)extras)
UMQTT_DIR := $(abspath $(USERMOD_DIR)/..)
UMQTT_TARGET_DIR := $(abspath $(BUILD))/umqtt
UMQTT_RUST := $(UMQTT_TARGET_DIR)/umqtt.o
# A cross-compiled one passes through objcopy: on ARM it holds unwind tables, which nobody uses, for which many a port's
# linker script has no place, and which no flag of rustc keeps out.
UMQTT_EMITTED := $(if $(UMQTT_RUST_TARGET),$(UMQTT_TARGET_DIR)/emitted.o,$(UMQTT_RUST))
UMQTT_OBJECTS := $(addprefix $(BUILD)/$(notdir $(USERMOD_DIR))/,$(UMQTT_SOURCES:.c=.o))

# Cargo would count an object that it made with these settings before as fresh, though another one stands in its place. And
# make would not look for the names that C has with these settings alone.
UMQTT_SETTINGS := $(UMQTT_FEATURES) $(foreach setting,UMQTT_RX_BUFFER UMQTT_IN_FLIGHT UMQTT_INCOMING UMQTT_WINDOW UMQTT_KEPT UMQTT_RUST_TARGET \
	UMQTT_CARGO_FLAGS $(sort $(filter CARGO_PROFILE_% CARGO_TARGET_% RUSTFLAGS,$(.VARIABLES))),$(setting)=$($(setting)))
ifneq ($(UMQTT_SETTINGS),$(shell cat $(UMQTT_TARGET_DIR)/settings 2>/dev/null))
$(shell rm -rf $(UMQTT_TARGET_DIR) $(HEADER_BUILD)/qstr.i.last && mkdir -p $(UMQTT_TARGET_DIR) && echo '$(UMQTT_SETTINGS)' >$(UMQTT_TARGET_DIR)/settings)
endif

# SRC_USERMOD is understood from 1.13 to this day, SRC_USERMOD_C only from 1.20 on.
SRC_USERMOD += $(addprefix $(USERMOD_DIR)/,$(UMQTT_SOURCES))
UMQTT_C_FLAGS := -I$(USERMOD_DIR) $(foreach setting,UMQTT_RX_BUFFER UMQTT_IN_FLIGHT UMQTT_INCOMING UMQTT_WINDOW UMQTT_KEPT UMQTT_QUICK UMQTT_EXTRAS,\
	$(if $($(setting)),-D$(setting)=$($(setting))))
CFLAGS_USERMOD += $(UMQTT_C_FLAGS)
LDFLAGS_USERMOD += $(UMQTT_RUST)
# Quectel's name for it, in their MicroPython of 2021.
C_FLAGS_USERMOD += $(UMQTT_C_FLAGS)
ifeq ($(UMQTT_ADD_TO_OBJ),1)
OBJ += $(UMQTT_OBJECTS) $(UMQTT_RUST)
endif

# Rust arrives as one object, made by link-time optimisation, and not as the archive beside it. The archive holds Rust's
# compiler_builtins too, which would take the place of the port's own sqrt, fmod and the like for all of MicroPython.
# What the object itself asks for (memcpy, perhaps a division) comes from the port's C library and libgcc. And where a
# port names LDFLAGS before its objects, an object is linked all the same.
#
# Cargo knows best what it is made of, so it is always asked. It leaves the file alone when nothing changed,
# and make then does nothing either.
.PHONY: umqtt-ask-cargo umqtt-rust
umqtt-ask-cargo:
umqtt-rust: $(UMQTT_RUST)

# What build.rs hears of this build. Exported, not put into the recipe: a shell would take the quotes in CFLAGS away.
# (The second where CFLAGS are not what the port compiles with: Quectel's tree of 2021.)
$(UMQTT_RUST): export UMQTT_CFLAGS = $(if $(C_FLAGS),$(C_FLAGS) $(D_FLAGS),$(CFLAGS))
$(UMQTT_RUST): export UMQTT_PORT_DIR = $(CURDIR)
$(UMQTT_RUST): export UMQTT_CC = $(CC)
$(UMQTT_RUST): export UMQTT_RX_BUFFER := $(UMQTT_RX_BUFFER)
$(UMQTT_RUST): export UMQTT_IN_FLIGHT := $(UMQTT_IN_FLIGHT)
$(UMQTT_RUST): export UMQTT_INCOMING := $(UMQTT_INCOMING)
$(UMQTT_RUST): export UMQTT_WINDOW := $(UMQTT_WINDOW)
# The order-only mpstate.o: bindgen reads headers that include generated ones. Which those are differs between versions,
# but where there is an object of MicroPython, they are there too. A tree whose make compiles none has no PY_BUILD.
$(UMQTT_RUST): umqtt-ask-cargo | $(if $(PY_BUILD),$(PY_BUILD)/mpstate.o,$(HEADER_BUILD)/qstrdefs.generated.h)
	$(ECHO) "CARGO $@"
	+$(Q)$(UMQTT_CARGO) rustc --locked $(if $(filter 1,$(BUILD_VERBOSE)),,--quiet) \
		--manifest-path $(UMQTT_DIR)/Cargo.toml --target-dir $(UMQTT_TARGET_DIR) \
		--lib --crate-type staticlib --features $(UMQTT_FEATURES) --profile firmware \
		$(if $(UMQTT_RUST_TARGET),--target $(UMQTT_RUST_TARGET)) $(UMQTT_CARGO_FLAGS) -- --emit obj=$(UMQTT_EMITTED)
	$(if $(UMQTT_RUST_TARGET),$(Q)test $@ -nt $(UMQTT_EMITTED) || \
		$(OBJCOPY) --remove-section='.ARM.ex*' $(UMQTT_EMITTED) $@)

# As quick as the Rust, where that is asked for.
ifeq ($(UMQTT_QUICK),1)
$(UMQTT_OBJECTS): CFLAGS += -O2
endif

# Every port links its objects, whatever it calls the result: a new umqtt.o reaches it through them. They are compiled
# again with it, so C and Rust never disagree about the capacities.
$(UMQTT_OBJECTS): $(UMQTT_RUST)

.DEFAULT_GOAL := $(UMQTT_DEFAULT_GOAL)
