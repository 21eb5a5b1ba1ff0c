# The C files: the one place where make learns of them (micropython.cmake is the other). By itself, since an SDK that compiles by
# lists of its own can include it, too.
UMQTT_EXTRAS ?= 1
UMQTT_SOURCES := arm_memory.c modumqtt.c construct.c mqttclient.c connection.c tls.c exchange.c message.c quick.c wait.c \
	errors.c umqtt_shim.c
ifeq ($(UMQTT_EXTRAS),1)
UMQTT_SOURCES += stats.c asynchronous.c package.c
endif
