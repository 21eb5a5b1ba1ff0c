# needs: layers
# umqtt.quec: QuecPython's MQTTClient of today, as its documentation and its scripts have it.

import time

import target
from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, ask, publish_from_elsewhere
from umqtt import reconnect
from umqtt.quec import MQTTClient


def made(server, plan="me", callback=None, **keywords):
    client = MQTTClient(plan, target.HOST, server.port, **keywords)
    client.min_delay, client.max_delay = 0.01, 0.05
    client.set_callback(callback)
    return client


def connected(server, plan="me", callback=None, clean_session=True, **keywords):
    client = made(server, plan, callback, **keywords)
    same(client.connect(clean_session), 0)
    return client


@test
def all_arguments_go_by_position():
    client = MQTTClient("me", "s", 1, "u", "p", 60, False, {}, True, 4, 3, True, 1)
    same((client.keepalive, client.reconn), (60, True))


@test
def arguments_that_the_vendor_refuses_are_refused():
    for keywords in ({"keepalive": 4}, {"version": 5}):
        raises(ValueError, MQTTClient, "me", "s", **keywords)


@test
def version_3_connects_too():
    server = Server()
    connected(server, version=3)
    same(server.hexes("CONNECT"), ["100e" "00044d515454" "04" "02" "0000" "00026d65"])


@test
def connect_that_fails_is_a_valueerror_with_the_cause_in_its_text():
    client = made(Server(), "CONNECT=20020005")
    same(raises(ValueError, client.connect).args[0], "MQTT Connect error='5' FAIL")
    same(client.get_mqttsta(), -1)
    raises(ValueError, made(Server("closed")).connect)


@test
def publish_returns_true():
    client = connected(Server())
    same([client.publish("t", "m", qos=qos) for qos in (0, 1, 2)], [True] * 3)


@test
def publish_returns_false_where_there_is_no_connection():
    client = made(Server())
    same(client.publish("t", "m"), False)


@test
def a_bad_argument_is_raised_all_the_same():
    client = connected(Server())
    raises(ValueError, client.publish, "", "m")


@test
def publish_without_an_answer_returns_false():
    client = made(Server(), "PUBLISH=")
    super(MQTTClient, client).connect(timeout=0.3)
    same(client.publish("t", "m", qos=1), False)


@test
def publish_connects_again_when_it_is_time():
    server = Server()
    client = connected(server, "PUBLISH=~/")
    same(client.publish("t", "m", qos=1), False)
    while not client.publish("t", "m", qos=1):
        pass
    same(len(server.connections()), 2)


@test
def publish_waits_for_no_delay():
    server = Server()
    client = connected(server, "PUBLISH=~/")
    client.min_delay = client.max_delay = 1000
    same([client.publish("t", "m", qos=1) for _ in range(50)], [False] * 50)
    same(len(server.connections()), 1)


@test
def wait_msg_connects_again_and_subscribes_again():
    server = Server()
    inbox = Inbox()
    client = connected(server, "PUBLISH=~/SUBSCRIBE=*-3004" "000174" "6d", callback=inbox)
    client.subscribe("t", 1)
    client.publish("t", "m", qos=1)
    client.wait_msg()
    same((inbox.messages, [packet.hex[-2:] for packet in server.log("SUBSCRIBE")]), ([(b"t", b"m")], ["01", "01"]))


@test
def a_new_connection_is_told():
    told = []
    server = Server()
    client = connected(server, "CONNECT=*#/CONNECT=*-3004" "000174" "6d", callback=print)
    client.error_register_cb(told.append)
    client.wait_msg()
    same(told, ["reconnect_start", "reconnect_success"])


@test
def without_reconn_wait_msg_raises():
    server = Server()
    client = connected(server, "CONNECT=*#/", reconn=False)
    raises(OSError, client.wait_msg)
    same((client.get_mqttsta(), len(server.connections())), (2, 1))
    # What the vendor's scripts do then.
    client.close()
    same((client.connect(), client.get_mqttsta(), client.publish("t", "m", qos=1)), (0, 0, True))


@test
def without_reconn_publish_tells_why_it_failed():
    told = []
    client = connected(Server(), "PUBLISH=~", reconn=False)
    client.error_register_cb(told.append)
    same(client.publish("t", "m", qos=1), False)
    same(len(told), 1)
    same(client.get_mqttsta(), 2)


@test
def the_four_states():
    # The message comes in the middle of connecting, in front of SUBACK.
    server = Server()
    states = []
    client = made(server, "PUBLISH=~/SUBSCRIBE=3004" "000174" "6d" "*", lambda topic, msg: states.append(client.get_mqttsta()))
    client.error_register_cb(lambda text: states.append((text, client.get_mqttsta())))
    states.append(client.get_mqttsta())
    client.connect()
    states.append(client.get_mqttsta())
    client.subscribe("t")
    client.publish("t", "m", qos=1)
    client.reconnect()
    client.disconnect()
    states.append(client.get_mqttsta())
    same(states, [-1, 0, ("reconnect_start", 2), 1, ("reconnect_success", 0), -1])


@test
def close_sends_no_disconnect_and_disconnect_does():
    server = Server()
    client = connected(server, reconn=False)
    client.close()
    same((server.gone(1), client.get_mqttsta()), ("fin", -1))
    client.connect()
    client.disconnect()
    server.gone(2)
    same([packet.name for packet in server.log()], ["CONNECT", "CONNECT", "DISCONNECT"])


@test
def what_the_callback_raises_goes_no_further():
    def callback(topic, msg):
        got.append(msg)
        raise ValueError("its own")

    got = []
    server = Server()
    client = connected(server, callback=callback)
    server.send("3206" "000174" "0007" "6d")
    client.wait_msg()
    same((got, len(server.wait("PUBACK"))), ([b"m"], 1))


@test
def ping_does_nothing_without_keepalive():
    server = Server()
    client = connected(server)
    client.ping()
    client.publish("t", "m", qos=1)
    same(server.log("PINGREQ"), [])
    same(server.hexes("CONNECT")[0][20:24], "0000")


@test
def ping_pings_with_keepalive():
    server = Server()
    client = connected(server, keepalive=60)
    client.ping()
    same(len(server.wait("PINGREQ")), 1)
    client.disconnect()


@test
def after_disconnect_wait_msg_comes_back():
    client = connected(Server())
    client.disconnect()
    same(client.wait_msg(), None)


@test
def messages_go_through_mosquitto_and_back():
    inbox = Inbox()
    client = MQTTClient("quec-loop", target.HOST, target.BROKER, keepalive=60)
    client.set_callback(inbox)
    same(client.connect(), 0)
    client.subscribe("quec", 1)
    same(client.publish("quec", "mine", qos=1), True)
    publish_from_elsewhere("quec", "theirs", 1)
    while len(inbox.messages) < 2:
        client.wait_msg()
    same(inbox.messages, [(b"quec", b"mine"), (b"quec", b"theirs")])
    client.disconnect()


run()
