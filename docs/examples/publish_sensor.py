# Publishes one reading of a sensor, as a device does that sleeps between two readings.

import json
import time
from umqtt import MQTTClient

SERVER = "broker.example"  # the address of your broker
TOPIC = "greenhouse/1/temperature"


def read_celsius():
    # Your sensor goes here: machine.ADC, an I2C device, ...
    return 21.5


client = MQTTClient("greenhouse-1", SERVER)
client.connect()
reading = {"celsius": read_celsius(), "uptime_s": time.time()}
# qos=1: returns when the broker has it. retain=True: who subscribes later gets the last reading at once.
client.publish(TOPIC, json.dumps(reading), retain=True, qos=1)
client.disconnect()
print("published", reading)
