# What is frozen into the firmware: what runs before the user's boot.py, and asyncio.
include("$(MPY_DIR)/extmod/asyncio")
include("../umqtt/manifest.py")
freeze("frozen")
