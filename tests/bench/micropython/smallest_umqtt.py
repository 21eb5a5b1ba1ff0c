# A thousand echoes of 1 KiB in as little heap as possible: this module.
import sys
from umqtt import MQTTClient

client = MQTTClient("bench", sys.argv[1], sys.argv[2])
got = [0]


def callback(topic, msg):
    got[0] += len(msg)


client.set_callback(callback)
client.connect()
client.subscribe("echo")
msg = bytes(1024)
for _ in range(1000):
    client.publish("echo", msg)
    client.wait_msg()
print("RESULT", got[0])
