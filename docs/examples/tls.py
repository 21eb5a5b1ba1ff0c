# Talks to a broker under TLS, and only to the right one: docs/tls.md makes the certificates.

from umqtt import MQTTClient

SERVER = "broker.example"  # as it stands in the certificate of your broker
CA = "ca.der"  # the certificate of the authority that signed it, on this device

with open(CA, "rb") as file:
    cadata = file.read()

# With cadata the broker is verified, its name too; without, anybody could pretend to be it.
client = MQTTClient("secret-1", SERVER, ssl=True, ssl_params={"cadata": cadata})
client.connect()
client.publish("secret/1", "told to the right broker only", qos=1)
client.disconnect()
print("verified, published")
