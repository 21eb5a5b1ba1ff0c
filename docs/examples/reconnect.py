# Listens over a link that fails: the client connects again by itself and has its subscriptions back.

from umqtt import MQTTClient, MQTTException

SERVER = "broker.example"  # the address of your broker


def alarm(topic, msg):
    print("alarm", msg)


def lost(reason):
    print("connection lost:", reason)


def connected(session_present):
    print("connected")


# On a cellular module, network= may be a function that waits until the module is registered.
client = MQTTClient("reconnect-1", SERVER, keepalive=30, reconn=True, min_delay=0.5, max_delay=60, lost=lost,
                    connected=connected)
client.set_callback(alarm)
try:
    # clean_session=False: the broker keeps what comes while the link is down.
    client.connect(clean_session=False)
    client.subscribe("site/alarm", qos=1)
    print("waiting for alarms")
    while True:
        client.wait_msg()
except MQTTException as refusal:
    # The broker will not take this client, however often it tries.
    print("refused:", refusal)
except KeyboardInterrupt:
    client.disconnect()
    print("connected", client.stats().connects, "times")
