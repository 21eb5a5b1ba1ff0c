# needs: unix, layers
# The layers with threads: the thread of umqtt.quec, and connecting again under several at once.

import _thread
import time

import target
from check import test, same, run
from host import Server, Inbox, ask
from umqtt import reconnect
from umqtt.quec import MQTTClient


@test
def a_quec_client_that_does_nothing_stays_connected():
    server = Server()
    client = MQTTClient("me", target.HOST, server.port, keepalive=5)
    client.connect()
    same(len(server.wait("PINGREQ", 2)) >= 2, True)
    client.disconnect()


@test
def the_thread_of_quec_does_not_end_a_wait():
    server = Server()
    inbox = Inbox()
    client = MQTTClient("PINGREQ.2=*3004" "000174" "6d", target.HOST, server.port, keepalive=5)
    client.set_callback(inbox)
    client.connect()
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])
    client.disconnect()


@test
def without_reconn_the_thread_of_quec_tells_what_it_ran_into():
    told = []
    server = Server()
    client = MQTTClient("CONNECT=*-~", target.HOST, server.port, keepalive=5, reconn=False)
    client.error_register_cb(told.append)
    client.connect()
    while not told:
        time.sleep_ms(10)
    same((len(told), client.get_mqttsta()), (1, 2))
    client.disconnect()


@test
def quec_wait_msg_comes_back_when_another_thread_disconnects():
    def wait():
        client.wait_msg()
        ended.append(True)

    ended = []
    client = MQTTClient("me", target.HOST, Server().port)
    client.connect()
    _thread.start_new_thread(wait, ())
    while not client._waiting:
        time.sleep_ms(10)
    time.sleep_ms(50)
    client.disconnect()
    while not ended:
        time.sleep_ms(10)


@test
def threads_that_publish_and_one_that_waits_outlive_the_broker():
    def publish(number):
        for at in range(30):
            client.publish("threads/%d" % number, "%d" % at, qos=1)
            time.sleep_ms(5)
        ended.append(number)

    def wait():
        while True:
            client.wait_msg()

    broker = int(ask("broker")[0])
    ended, lost, inbox = [], [], Inbox()
    client = reconnect.MQTTClient("threads", target.HOST, broker, min_delay=0.01, max_delay=0.05, lost=lost.append)
    client.set_callback(inbox)
    client.connect(False)
    client.subscribe("threads/#", 1)
    _thread.start_new_thread(wait, ())
    for number in range(3):
        _thread.start_new_thread(publish, (number,))
    for _ in range(3):
        time.sleep_ms(40)
        ask("broker_end", broker, "TERM")
        time.sleep_ms(40)
        ask("broker_start", broker)
    while len(ended) < 3:
        time.sleep_ms(10)
    wanted = {(b"threads/%d" % number, b"%d" % at) for number in range(3) for at in range(30)}
    while wanted - set(inbox.messages):
        time.sleep_ms(10)
    same(len(lost) >= 1, True)


run()
