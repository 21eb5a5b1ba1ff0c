# Aliyun IoT Platform: user name and password are made from the device's secret by HMAC.

import binascii
import hashlib
from umqtt import MQTTClient

# From the console of the platform: the three names of your device.
PRODUCT_KEY = "a1B2c3D4e5F"
DEVICE_NAME = "sensor-1"
DEVICE_SECRET = "0123456789abcdef0123456789abcdef"
SERVER = PRODUCT_KEY + ".iot-as-mqtt.cn-shanghai.aliyuncs.com"


def hmac_sha256(key, msg):
    # RFC 2104. (micropython-lib has it as the module hmac.)
    key = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([octet ^ 0x36 for octet in key]) + msg).digest()
    return hashlib.sha256(bytes([octet ^ 0x5C for octet in key]) + inner).digest()


# The names and values of what is signed, in the alphabet's order.
signed = "clientId" + DEVICE_NAME + "deviceName" + DEVICE_NAME + "productKey" + PRODUCT_KEY
# securemode: 3 is TCP, 2 is TLS (then ssl=True, and the platform's root certificate as cadata).
client_id = DEVICE_NAME + "|securemode=3,signmethod=hmacsha256|"
user = DEVICE_NAME + "&" + PRODUCT_KEY
password = binascii.hexlify(hmac_sha256(DEVICE_SECRET.encode(), signed.encode())).decode()

client = MQTTClient(client_id, SERVER, user=user, password=password, keepalive=60)
client.connect()
topic = "/sys/%s/%s/thing/event/property/post" % (PRODUCT_KEY, DEVICE_NAME)
client.publish(topic, '{"method": "thing.event.property.post", "params": {"celsius": 21.5}}', qos=1)
client.disconnect()
print("published as", user)
