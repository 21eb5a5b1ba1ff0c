# umqtt.simple from PyPI, under a name of its own. It has no qos 2.

import sys
import upstream_simple
from clients import all_done


def nothing(topic, msg):
    pass


def connected(host, port):
    client = upstream_simple.MQTTClient("bench", host, port)
    client.set_callback(nothing)
    client.connect()
    return client


def subscribe(client, topic):
    client.subscribe(topic)


def cycle(host, port, size, count):
    def run(n):
        for _ in range(n):
            # Each program that wants it loads it anew.
            sys.modules.pop("upstream_simple")
            from upstream_simple import MQTTClient
            client = MQTTClient("bench", host, port)
            client.connect()
            client.disconnect()

    return run, all_done
