# One thread waits for messages while another publishes, on one client. (Needs a port with threads.)

import _thread
import time
from umqtt import MQTTClient

SERVER = "broker.example"  # the address of your broker


def command(topic, msg):
    # Runs in the thread that took the message from the connection: mostly the one that listens, but it may be the other.
    print("command", msg)


def listen():
    try:
        while True:
            client.wait_msg()
    except OSError:
        # The connection broke, or the other thread called disconnect().
        ended.release()


client = MQTTClient("threads-1", SERVER)
client.set_callback(command)
client.connect()
client.subscribe("threads/command", qos=1)
ended = _thread.allocate_lock()
ended.acquire()
_thread.start_new_thread(listen, ())
for number in range(5):
    client.publish("threads/readings", str(number), qos=1)
    time.sleep(0.2)
client.disconnect()
# Until the thread that listens has seen it.
ended.acquire()
print("5 readings published")
