# Receives the file that send_file.py sends: writes piece after piece, and takes it only if the hash is right.

import binascii
import hashlib
import os
from umqtt import MQTTClient

SERVER = "broker.example"  # the address of your broker
NAME = "firmware.bin"
PART = NAME + ".part"

digest = hashlib.sha256()
pieces = 0
sha256 = None


def take(topic, msg):
    global pieces, sha256
    last = topic.decode().split("/")[-1]
    if last == "end":
        sha256 = msg.decode()
    elif int(last) == pieces:
        # No piece is in memory when the next one comes.
        part.write(msg)
        digest.update(msg)
        pieces += 1
    else:
        # Some are missing (this device was away): the hash will tell.
        print("piece", last, "came, wanted", pieces)


client = MQTTClient("file-receiver", SERVER)
client.set_callback(take)
client.connect()
with open(PART, "wb") as part:
    client.subscribe("files/%s/+" % NAME, qos=2)
    print("waiting for", NAME)
    while sha256 is None:
        client.wait_msg()
client.disconnect()
if binascii.hexlify(digest.digest()).decode() == sha256:
    os.rename(PART, NAME)
    print("received", pieces, "pieces, the hash is right")
else:
    os.remove(PART)
    print("the hash is wrong: not taken")
