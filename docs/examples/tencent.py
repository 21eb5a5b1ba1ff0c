# Tencent Cloud IoT: user name and password are made from the device's key by HMAC.

import binascii
import hashlib
from umqtt import MQTTClient

# From the console: product, device, and the device's key (base64).
PRODUCT_ID = "A1B2C3D4E5"
DEVICE_NAME = "sensor-1"
DEVICE_KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="
SERVER = PRODUCT_ID + ".iotcloud.tencentdevices.com"

SDK_APP_ID = "12010126"  # the same for all devices
CONNECTION = "abcde"  # any five letters and digits
EXPIRES = "2147483647"  # when the password does, in seconds since 1970


def hmac_sha256(key, msg):
    # RFC 2104. (micropython-lib has it as the module hmac.)
    key = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([octet ^ 0x36 for octet in key]) + msg).digest()
    return hashlib.sha256(bytes([octet ^ 0x5C for octet in key]) + inner).digest()


client_id = PRODUCT_ID + DEVICE_NAME
user = ";".join([client_id, SDK_APP_ID, CONNECTION, EXPIRES])
signature = hmac_sha256(binascii.a2b_base64(DEVICE_KEY), user.encode())
password = binascii.hexlify(signature).decode() + ";hmacsha256"

client = MQTTClient(client_id, SERVER, user=user, password=password, keepalive=60)
client.connect()
client.publish("%s/%s/event" % (PRODUCT_ID, DEVICE_NAME), '{"celsius": 21.5}', qos=1)
client.disconnect()
print("published as", user)
