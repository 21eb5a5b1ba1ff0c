# Shows a certificate of its own, as AWS IoT Core asks for: no user, no password.
#
# AWS gives three files when it makes a "thing": the device's certificate, its private key, and Amazon's root certificate.
# The policy of the certificate must allow iot:Connect for this client_id and iot:Publish for this topic.

from umqtt import MQTTClient

THING = "sensor-1"
SERVER = "example-ats.iot.eu-west-1.amazonaws.com"  # yours: AWS IoT console, Settings


def read(name):
    # As AWS gives them, in PEM. Where the port's TLS takes only DER: openssl x509 -outform DER, see docs/tls.md.
    with open(name, "rb") as file:
        return file.read()


client = MQTTClient(THING, SERVER, ssl=True, ssl_params={
    "cert": read("device.pem.crt"),
    "key": read("private.pem.key"),
    "cadata": read("root.pem"),
})
client.connect()
client.publish("sensors/%s" % THING, '{"celsius": 21.5}', qos=1)  # AWS knows qos 0 and 1
client.disconnect()
print("published as", THING)
