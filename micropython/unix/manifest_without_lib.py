# Frozen modules for a tree without micropython-lib (Debian's source has none): asyncio is in MicroPython itself.
include("$(MPY_DIR)/extmod/asyncio")
include("../umqtt/manifest.py")
