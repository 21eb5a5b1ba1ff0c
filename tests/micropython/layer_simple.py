# needs: layers
# umqtt.simple: what layer_upstream.py, which compares it with micropython-lib's own, leaves out.

import errno

import target
import umqtt
from check import test, same, raises, raises_errno, run
from host import Server, Inbox, ask, hexed, publish_from_elsewhere, needs
from porttls import needs_context
from umqtt.simple import MQTTClient, MQTTException


def connected(server, plan="me", callback=None, **keywords):
    client = MQTTClient(plan, target.HOST, server.port, **keywords)
    client.set_callback(callback)
    client.connect()
    return client


@test
def the_exception_is_that_of_the_native_module():
    same(MQTTException is umqtt.MQTTException, True)
    server = Server()
    same(raises(MQTTException, connected, server, "CONNECT=20020005").args[0], 5)


@test
def connect_returns_whether_the_server_had_the_session():
    server = Server()
    same([MQTTClient("me", target.HOST, server.port).connect(clean) for clean in (True, False, False, True)], [0, 0, 1, 0])


@test
def connect_takes_the_attributes_as_they_are_then():
    server = Server()
    client = MQTTClient("me", "nowhere.invalid", 1)
    client.server, client.port, client.client_id = target.HOST, server.port, b"it"
    client.user, client.pswd, client.keepalive = "u", "p", 258
    client.lw_topic, client.lw_msg, client.lw_qos, client.lw_retain = "w", "x", 1, True
    client.connect()
    same(server.hexes("CONNECT"), ["101a" "00044d515454" "04" "ee" "0102" "00026974" "000177" "000178" "000175" "000170"])


@test
def ports_are_those_of_mqtt():
    same([MQTTClient("me", "s", ssl=ssl).port for ssl in (None, False, True)], [1883, 1883, 8883])


@test
def a_password_without_a_user_is_left_out():
    server = Server()
    connected(server, user="", password="p")
    same(server.hexes("CONNECT"), ["100e" "00044d515454" "04" "02" "0000" "00026d65"])


@test
def keepalive_0_is_off():
    server = Server()
    client = connected(server)
    same(server.hexes("CONNECT")[0][20:24], "0000")
    same(client.keepalive, 0)


@test
def keepalive_over_65535_is_an_assertion():
    server = Server()
    raises(AssertionError, connected, server, keepalive=65536)
    same(server.log(), [])


@test
def connect_again_closes_the_connection_before_without_disconnect():
    server = Server()
    client = connected(server)
    client.connect()
    same(server.gone(1), "fin")
    same([packet.name for packet in server.log()], ["CONNECT", "CONNECT"])


@test
def a_connection_that_connect_gives_up_leaves_the_will():
    subscriber = ask("subscribe", target.BROKER, hexed("simple/will"), 0)[0]
    client = MQTTClient("simple-will", target.HOST, target.BROKER)
    client.set_last_will("simple/will", "gone")
    client.connect()
    client.connect()
    same(ask("received", subscriber, 1), ["simple/will 0 0 4 %s" % hexed("gone")])
    client.disconnect()


@test
def connect_is_bounded_by_its_timeout():
    server = Server("mute")
    client = MQTTClient("me", target.HOST, server.port)
    raises_errno(errno.ETIMEDOUT, client.connect, True, 0.2)
    raises_errno(errno.ETIMEDOUT, client.connect, timeout=0.2)


@test
def sock_is_the_socket_once_connected():
    client = MQTTClient("me", target.HOST, Server().port)
    same(client.sock, None)
    client.connect()
    same(hasattr(client.sock, "setblocking"), True)


@test
def a_message_at_qos_1_that_broke_off_is_not_sent_again():
    # Who repeats it is the script, or umqtt.robust.
    server = Server()
    client = MQTTClient("PUBLISH=~/", target.HOST, server.port)
    client.connect(False)
    raises(OSError, client.publish, "t", "m", qos=1)
    client.connect(False)
    client.ping()
    client.wait_msg()
    same(len(server.log("PUBLISH")), 1)


@test
def messages_go_through_mosquitto_and_back():
    inbox = Inbox()
    client = MQTTClient("simple-loop", target.HOST, target.BROKER, keepalive=60)
    client.set_callback(inbox)
    same(client.connect(), 0)
    for qos in (0, 1, 2):
        client.subscribe("simple/%d" % qos, qos)
    for qos in (0, 1):
        client.publish("simple/%d" % qos, "m", qos=qos)
    publish_from_elsewhere("simple/2", "m", qos=2)
    operations = set()
    while len(inbox.messages) < 3:
        operations.add(client.wait_msg())
    client.unsubscribe("simple/1")
    client.publish("simple/1", "m", qos=1)
    client.ping()
    same(client.wait_msg(), None)
    same(sorted(inbox.messages), [(b"simple/%d" % qos, b"m") for qos in (0, 1, 2)])
    # The first one or two may have been delivered while publish() waited.
    same(operations - {0x30, 0x32, 0x34}, set())
    client.disconnect()


@test
def tls_goes_by_true_and_by_a_context():
    needs("tls")
    needs_context()
    params = {"cadata": target.CA, "server_hostname": target.NAME}
    client = MQTTClient("simple-tls", target.HOST, target.BROKER_TLS, ssl=True, ssl_params=params)
    same(client.connect(), 0)
    client.disconnect()
    try:
        import tls
    except ImportError:
        import ssl as tls
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_NONE
    client = MQTTClient("simple-tls", target.HOST, target.BROKER_TLS, ssl=context)
    same(client.connect(), 0)
    client.publish("simple/tls", "m", qos=1)
    client.disconnect()


run()
