# Frozen modules: what the port's own variant `standard` has, and the Python layers.
include("$(PORT_DIR)/variants/standard/manifest.py")
include("../umqtt/manifest.py")
