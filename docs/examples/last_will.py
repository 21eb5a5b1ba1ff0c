# Lets others see whether this device is there: the broker publishes the last will when the device goes without a word.

import time
from umqtt import MQTTClient

SERVER = "broker.example"  # the address of your broker
STATUS = "pump/7/status"

# A device that does not answer for one and a half times the keepalive counts as gone.
client = MQTTClient("pump-7", SERVER, keepalive=60)
# Before connect(). retain=True: who subscribes later learns of it too.
client.set_last_will(STATUS, "offline", retain=True, qos=1)
client.connect()
client.publish(STATUS, "online", retain=True, qos=1)
print("online")

try:
    while True:
        # The work of your device goes here. check_msg() does not wait, and keeps the connection alive.
        client.check_msg()
        time.sleep(0.1)
except KeyboardInterrupt:
    # disconnect() takes the will back: who leaves in good order says so himself.
    client.publish(STATUS, "offline", retain=True, qos=1)
    client.disconnect()
