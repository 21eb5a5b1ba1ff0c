# Our variant of the Unix port: what `standard` is made of. Paths are relative to ports/unix.

# The variant's own list of frozen modules; trees up to 1.19 have one for all variants.
FROZEN_MANIFEST ?= $(firstword $(wildcard variants/standard/manifest.py variants/manifest.py))

include variants/standard/mpconfigvariant.mk
