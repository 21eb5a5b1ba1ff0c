# needs: layers
# umqtt.robust: connects again and repeats what raised OSError, by way of methods that a script may override.

import target
from check import test, same, raises, run
from host import Server, Inbox
from umqtt import robust, simple
from umqtt.simple import MQTTException


class Client(robust.MQTTClient):
    # Notes what it is asked for, and does not sleep.
    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.noted = []

    def delay(self, i):
        self.noted.append(i)

    def log(self, in_reconnect, e):
        self.noted.append((in_reconnect, type(e)))


def connected(server, plan="me", clean_session=True):
    client = Client(plan, target.HOST, server.port)
    client.inbox = Inbox()
    client.set_callback(client.inbox)
    client.connect(clean_session)
    return client


@test
def it_is_a_simple_client_with_a_delay_of_2_s():
    same((issubclass(robust.MQTTClient, simple.MQTTClient), robust.MQTTClient.DELAY, robust.MQTTClient.DEBUG), (True, 2, False))


@test
def publish_is_repeated_on_a_new_connection():
    server = Server()
    client = connected(server, "PUBLISH=~/")
    client.publish("t", "m", True, 1)
    same([packet.hex[:2] for packet in server.log()], ["10", "33", "10", "33"])
    same(client.noted, [(False, OSError)])


@test
def a_new_connection_keeps_the_session():
    server = Server()
    client = connected(server, "PUBLISH=~/")
    client.publish("t", "m", qos=1)
    same([packet.hex[18:20] for packet in server.log("CONNECT")], ["02", "00"])


@test
def wait_msg_goes_on_on_a_new_connection():
    server = Server()
    client = connected(server, "CONNECT=*#/CONNECT=*-3004" "000174" "6d")
    same(client.wait_msg(), 0x30)
    same(client.inbox.messages, [(b"t", b"m")])
    same(client.noted, [(False, OSError)])


@test
def check_msg_connects_again_as_often_as_it_is_told():
    server = Server()
    client = connected(server)
    client.disconnect()
    tried = []
    client.reconnect = lambda: tried.append(1)
    for attempts in (1, 2, 3):
        tried.clear()
        same((client.check_msg(attempts), len(tried)), (None, attempts))
    tried.clear()
    client.check_msg()
    same(len(tried), 2)


@test
def check_msg_goes_on_on_a_new_connection():
    server = Server()
    client = connected(server, "CONNECT=*#/")
    # The loss may show a moment later, so that the first calls find nothing.
    while not client.noted:
        same(client.check_msg(), None)
    same((client.noted, len(server.connections())), ([(False, OSError)], 2))


@test
def check_msg_returns_none_when_nothing_is_there():
    client = connected(Server())
    same(client.check_msg(), None)
    same(client.noted, [])


@test
def reconnect_delays_after_each_failure_and_counts_them():
    client = Client("me", target.HOST, Server("closed").port)
    server = Server()
    ports = [client.port, client.port, server.port]

    def delay(i):
        client.noted.append(i)
        client.port = ports[i]
    client.delay = delay
    same(client.reconnect(), 0)
    same(client.noted, [(True, OSError), 1, (True, OSError), 2])


@test
def reconnect_goes_by_the_connect_of_a_subclass_as_upstream_does_today():
    class Subscriber(Client):
        def connect(self, clean_session=True):
            super().connect(clean_session)
            self.subscribe("t")

    server = Server()
    client = Subscriber("PUBLISH=~/", target.HOST, server.port)
    client.set_callback(print)
    client.connect()
    client.publish("t", "m", qos=1)
    same([packet.name for packet in server.log()], ["CONNECT", "SUBSCRIBE", "PUBLISH", "CONNECT", "SUBSCRIBE", "PUBLISH"])


@test
def a_refusal_is_raised_out_of_it():
    server = Server()
    client = connected(server, "PUBLISH=~/CONNECT=20020004")
    same(raises(MQTTException, client.publish, "t", "m", qos=1).args[0], 4)


@test
def debug_prints_what_was_raised():
    printed = []
    robust.print = printed.append
    try:
        client = robust.MQTTClient("me", "s")
        client.log(True, OSError(1))
        client.DEBUG = True
        client.log(True, OSError(2))
        client.log(False, OSError(3))
    finally:
        del robust.print
    same(printed, ["mqtt reconnect: OSError(2,)", "mqtt: OSError(3,)"])


run()
