# A thousand echoes of 1 KiB in as little heap as possible: umqtt.simple.
import sys
from upstream_simple import MQTTClient

client = MQTTClient("bench", sys.argv[1], int(sys.argv[2]))
got = [0]


def callback(topic, msg):
    got[0] += len(msg)


client.set_callback(callback)
client.connect()
client.subscribe(b"echo")
msg = bytes(1024)
for _ in range(1000):
    client.publish(b"echo", msg)
    client.wait_msg()
print("RESULT", got[0])
