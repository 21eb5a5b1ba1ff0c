# The module's names, and how arguments may be given: by position, by keyword, under the contract's names.

import gc
import sys

import check
import umqtt
from check import test, same, raises, skip, run
from host import Server, WITHOUT
from umqtt import MQTTClient, MQTTException

import target

METHODS = ("set_callback", "set_last_will", "connect", "publish", "subscribe", "unsubscribe",
           "check_msg", "wait_msg", "ping", "disconnect")


@test
def the_module_has_the_two_names_of_the_contract():
    same(umqtt.MQTTClient, MQTTClient)
    same(umqtt.MQTTException, MQTTException)


@test
def mqttexception_is_an_exception_with_its_arguments():
    same(issubclass(MQTTException, Exception), True)
    same(MQTTException(5).args, (5,))


@test
def mqttexception_is_no_oserror():
    same(issubclass(MQTTException, OSError), False)


@test
def the_client_has_every_method_of_the_contract():
    client = MQTTClient("me", "server")
    for name in METHODS:
        same((name, callable(getattr(client, name))), (name, True))


@test
def what_goes_beyond_the_contract_is_there_unless_it_was_to_be_left_out():
    same(hasattr(MQTTClient, "stats"), "extras" not in WITHOUT)


@test
def a_name_that_the_module_has_not_leaves_nothing_behind():
    names = ["nonsense%d" % number for number in range(200)]

    def missing(module):
        for name in names:
            same(hasattr(module, name), False)
        gc.collect()
        return gc.mem_alloc()

    # The names themselves are kept for good; 200 more strings of 18 octets would be.
    before = missing(check)
    grown = missing(umqtt) - before
    same((grown, grown < 1000), (grown, True))


@test
def making_a_client_does_not_connect():
    server = Server()
    server.client("me")
    # connect() of another client makes sure that an earlier connection would have been seen by now.
    server.connected("other").disconnect()
    same(len(server.connections()), 1)


@test
def a_client_is_no_stream_to_write_to():
    # Its class says so, with extras and without.
    if not hasattr(sys, "stdout"):
        skip("print() knows no files here")
    raises(OSError, print, "x", file=MQTTClient("me", target.HOST))


@test
def client_takes_every_argument_by_position():
    server = Server()
    client = MQTTClient("me", target.HOST, server.port, "u", "p", 90, False, {})
    client.connect(True)
    same(server.hexes(), ["1014" "00044d515454" "04" "c2" "005a" "00026d65" "000175" "000170"])


@test
def client_takes_every_argument_by_keyword():
    server = Server()
    client = MQTTClient(ssl_params={}, ssl=False, keepalive=90, password="p", user="u", port=server.port,
                        server=target.HOST, client_id="me")
    client.connect(clean_session=True)
    same(server.hexes(), ["1014" "00044d515454" "04" "c2" "005a" "00026d65" "000175" "000170"])


@test
def client_without_client_id_and_server_is_refused():
    raises(TypeError, MQTTClient)
    raises(TypeError, MQTTClient, "me")


@test
def an_unknown_keyword_is_refused_everywhere():
    client = Server().connected("me")
    raises(TypeError, MQTTClient, "me", "server", colour=1)
    raises(TypeError, client.connect, colour=1)
    raises(TypeError, client.publish, "t", "m", colour=1)
    raises(TypeError, client.subscribe, "t", colour=1)
    raises(TypeError, client.set_last_will, "t", "m", colour=1)


@test
def the_methods_take_their_arguments_by_position():
    server = Server()
    client = server.client("me")
    client.set_callback(None)
    client.set_last_will("w", "x", True, 1)
    client.connect(False)
    client.publish("t", "m", True, 1)
    client.subscribe("f", 1)
    client.unsubscribe("f")
    same(server.hexes(), ["1014" "00044d515454" "04" "2c" "003c" "00026d65" "000177" "000178",
                          "3306" "000174" "0001" "6d", "8206" "0002" "000166" "01", "a205" "0003" "000166"])


@test
def the_methods_take_their_arguments_by_keyword():
    server = Server()
    client = server.client("me")
    client.set_callback(callback=None)
    client.set_last_will(qos=1, retain=True, msg="x", topic="w")
    client.connect(clean_session=False)
    client.publish(qos=1, retain=True, msg="m", topic="t")
    client.subscribe(qos=1, topic="f")
    client.unsubscribe(topic="f")
    same(server.hexes(), ["1014" "00044d515454" "04" "2c" "003c" "00026d65" "000177" "000178",
                          "3306" "000174" "0001" "6d", "8206" "0002" "000166" "01", "a205" "0003" "000166"])


@test
def every_method_returns_none():
    server = Server()
    client = server.client("me")
    same(client.set_callback(print), None)
    same(client.set_callback(None), None)
    same(client.set_last_will("w", "x"), None)
    same(client.connect(), None)
    for qos in (0, 1, 2):
        same(client.publish("t", "m", qos=qos), None)
    same(client.subscribe("t"), None)
    same(client.unsubscribe("t"), None)
    same(client.check_msg(), None)
    same(client.ping(), None)
    same(client.wait_msg(), None)
    same(client.disconnect(), None)
    same(client.disconnect(), None)


@test
def timeout_of_connect_is_keyword_only():
    client = Server().client("me")
    raises(TypeError, client.connect, True, 5)
    client.connect(True, timeout=5)


run()
