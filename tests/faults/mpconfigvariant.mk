# Our variant of the Unix port with the module `faults` (faults.c beside this file, which the port finds by itself).
#
# UMQTT_SANITIZE   what gcc's -fsanitize is to look for; then MicroPython's own assertions are on, too
# UMQTT_GIL        1: threads take turns, as on most boards that have any

# Before anything else is included: this file's own place.
UMQTT_FAULTS_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
include $(UMQTT_FAULTS_DIR)../../micropython/unix/mpconfigvariant.mk

UMQTT_WRAPPED := gc_alloc gc_realloc getaddrinfo socket connect fcntl setsockopt read write writev poll shutdown close
LDFLAGS += $(foreach name,$(UMQTT_WRAPPED),-Wl,--wrap=$(name))

ifeq ($(UMQTT_GIL),1)
CFLAGS += -DUMQTT_GIL=1
endif

ifeq ($(UMQTT_SANITIZE),thread)
# Our own C alone: MicroPython's threads have no lock around Python's objects there, and would be reported all the time.
$(BUILD)/cmodule/%.o %/faults.o: CFLAGS += -O1 -g -fno-omit-frame-pointer -fsanitize=thread
LDFLAGS += -fsanitize=thread -Wl,--wrap=gc_collect
STRIP =
else ifneq ($(UMQTT_SANITIZE),)
COPT = -O1 -g -fno-omit-frame-pointer -fsanitize=$(UMQTT_SANITIZE)
# bytearray(0) is a memset of no octets at NULL.
$(BUILD)/py/objarray.o: CFLAGS += -fno-sanitize=nonnull-attribute
LDFLAGS += -fsanitize=$(UMQTT_SANITIZE)
STRIP =
endif
