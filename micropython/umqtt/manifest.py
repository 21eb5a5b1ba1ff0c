# The Python layers on the native module, to be frozen beside it: `from umqtt.simple import MQTTClient` and the like.
# In a port's or board's own manifest: include("/path/to/umqtt/micropython/umqtt/manifest.py").
package("umqtt", ("simple.py", "robust.py", "reconnect.py", "quec.py", "aio.py"), base_path="..")
