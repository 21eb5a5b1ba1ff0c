# A thousand echoes of 1 KiB in as little heap as possible: umqtt.simple2, which sees SUBACK in wait_msg.
import sys
from upstream_simple2 import MQTTClient

client = MQTTClient("bench", sys.argv[1], int(sys.argv[2]))
got = [0]


def callback(topic, msg, retained, duplicate):
    got[0] += len(msg)


client.set_callback(callback)
client.connect()
client.subscribe(b"echo")
client.wait_msg()
msg = bytes(1024)
for _ in range(1000):
    client.publish(b"echo", msg)
    client.wait_msg()
print("RESULT", got[0])
