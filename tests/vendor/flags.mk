# The compiler and its flags, as the vendor's SDK has them, and more warnings on our own files than it asks for.
#
# The SDK's own make (Helios) says -W -Wall -Werror and so on for all that it compiles, and its components soften some
# of that, which is left out here. The processor is the EC100Y's.
CROSS_COMPILE = arm-none-eabi-
MACHINE = -mcpu=cortex-r5 -mthumb -mthumb-interwork -mfloat-abi=soft -mno-unaligned-access
SDK_CFLAGS = -W -Wall -Werror -fno-strict-aliasing -ffunction-sections -fdata-sections -g -Os $(MACHINE) -std=gnu11
PORT_CFLAGS = -Wpointer-arith -Wuninitialized
# Headers of MicroPython's do not pass these, those of the older tree not even -Wextra, which the vendor softens for them.
STRICT = -isystem $(TOP) -Wextra -Wdouble-promotion -Wfloat-conversion -Wshadow -Wundef -Wstrict-prototypes
INC = -I. -I$(TOP) -I$(BUILD)

UMQTT_RUST_TARGET = thumbv7r-none-eabi
export CARGO_TARGET_THUMBV7R_NONE_EABI_RUSTFLAGS ?= -Ctarget-feature=+strict-align
UMQTT_WINDOW = 1400
