# umqtt.simple2 from PyPI, under a name of its own. It has no qos 2. Its publish and subscribe do not wait for their answers:
# the work does.

import sys
import upstream_simple2
from clients import TOPIC, all_done

answered = [0]


def nothing(topic, msg, retained, duplicate):
    pass


def count_answer(pid, status):
    answered[0] += 1


def connected(host, port):
    client = upstream_simple2.MQTTClient("bench", host, port)
    client.set_callback(nothing)
    client.set_callback_status(count_answer)
    client.connect()
    return client


def subscribe(client, topic):
    client.subscribe(topic)
    while not answered[0]:
        client.wait_msg()


def publish1(host, port, size, count):
    client = connected(host, port)
    publish, wait_msg = client.publish, client.wait_msg
    topic, msg = TOPIC, bytes(size)

    def run(n):
        for _ in range(n):
            seen = answered[0]
            publish(topic, msg, False, 1)
            while answered[0] == seen:
                wait_msg()

    return run, all_done


def cycle(host, port, size, count):
    def run(n):
        for _ in range(n):
            sys.modules.pop("upstream_simple2")
            from upstream_simple2 import MQTTClient
            client = MQTTClient("bench", host, port)
            client.connect()
            client.disconnect()

    return run, all_done
