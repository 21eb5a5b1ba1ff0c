# Switches a pin on and off as messages say, and tells in which state it is.

from umqtt import MQTTClient

SERVER = "broker.example"  # the address of your broker
COMMAND = "workshop/lamp/set"
STATE = "workshop/lamp/state"


def lamp(level):
    print("lamp", level)
    try:
        from machine import Pin
    except ImportError:
        return  # no pins here: MicroPython on a PC
    Pin(2, Pin.OUT).value(level)  # the number of your pin


def switch(topic, msg):
    # topic and msg are bytes.
    if msg == b"on":
        lamp(1)
    elif msg == b"off":
        lamp(0)
    else:
        return
    client.publish(STATE, msg, retain=True)


client = MQTTClient("workshop-lamp", SERVER)
client.set_callback(switch)
client.connect()
client.subscribe(COMMAND, qos=1)
print("waiting for on and off at", COMMAND)
try:
    while True:
        client.wait_msg()
except KeyboardInterrupt:
    # Ctrl-C
    client.disconnect()
    print("disconnected")
