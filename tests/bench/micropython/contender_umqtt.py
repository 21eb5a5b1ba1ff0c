# This module.

from umqtt import MQTTClient
from clients import all_done


def nothing(topic, msg):
    pass


def connected(host, port):
    client = MQTTClient("bench", host, port)
    client.set_callback(nothing)
    client.connect()
    return client


def subscribe(client, topic):
    client.subscribe(topic)


def cycle(host, port, size, count):
    def run(n):
        for _ in range(n):
            from umqtt import MQTTClient
            client = MQTTClient("bench", host, port)
            client.connect()
            client.disconnect()

    return run, all_done
