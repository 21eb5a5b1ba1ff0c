# Sends a file of any length in pieces, and its hash last, so that receive_file.py knows that it has it all.

import binascii
import hashlib
from umqtt import MQTTClient

SERVER = "broker.example"  # the address of your broker
NAME = "firmware.bin"
PIECE = 4096  # octets in memory at a time

client = MQTTClient("file-sender", SERVER)
client.connect()
digest = hashlib.sha256()
with open(NAME, "rb") as file:
    number = 0
    while True:
        piece = file.read(PIECE)
        if not piece:
            break
        digest.update(piece)
        # qos=2: once, and in order. Returns when the broker has it, so nothing piles up here.
        client.publish("files/%s/%d" % (NAME, number), piece, qos=2)
        number += 1
sha256 = binascii.hexlify(digest.digest()).decode()
client.publish("files/%s/end" % NAME, sha256, qos=2)
client.disconnect()
print("sent", number, "pieces, sha256", sha256)
