# Frozen modules: the Python layers. They ask for MicroPython 1.21.
include("../umqtt/manifest.py")
