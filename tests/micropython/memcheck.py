# needs: unix, valgrind
# The whole program under valgrind's memcheck: nothing is read that was not written, or that lies where nothing is. Each script
# ends at its first mistake.

import errno
import gc

from check import case, raises, raises_errno, same, test, run
from host import Inbox, Server, broker_client
from umqtt import MQTTException

import target

SIZES = (0, 1, 100, 900, 20000)


def session(keywords):
    # Each message through mosquitto and back, by each of its ways; then the same on the next connection.
    inbox = Inbox()
    client = broker_client("memcheck", callback=inbox, clean_session=False, timeout=30, **keywords)
    client.set_last_will("memcheck/will", bytearray(b"gone"), False, 1)
    for clean in (False, True):
        client.connect(clean, timeout=30)
        client.subscribe("memcheck/+", 2)
        sent = [(b"memcheck/%d" % qos, b"m" * size) for qos in (0, 1, 2) for size in SIZES]
        for topic, msg in sent:
            wanted = len(inbox.messages) + 1
            client.publish(topic, bytearray(msg), qos=int(topic[-1:]))
            while len(inbox.messages) < wanted:
                client.check_msg()
        client.ping()
        client.wait_msg()
        gc.collect()
        same(inbox.messages == sent, True)
        inbox.messages.clear()
        client.unsubscribe("memcheck/+")
        client.disconnect()


case("a_session_with_mosquitto", session, {})
case("a_session_with_mosquitto_under_tls", session, {"port": target.BROKER_TLS, "ssl": True, "keepalive": 30})


@test
def messages_in_flight_on_the_next_connection():
    server = Server()
    client = server.connected("PUBLISH.3=!/", clean_session=False)
    for qos in (1, 2):
        client.publish("t", b"m" * 2000, qos=qos)
    raises_errno(errno.ECONNRESET, client.publish, "t" * 200, bytearray(2000), qos=2)
    gc.collect()
    client.connect(False, timeout=10)
    client.publish("t", "m", qos=2)
    same([packet.length for packet in server.log("PUBLISH") if packet.connection == 2][0], 2207)


@test
def packets_that_no_server_may_send():
    for answer in ("f000", "3080808080", "36050001740001", "30020005", "9003000180", "20020100"):
        server = Server()
        client = server.connected("PINGREQ=" + answer)
        client.ping()
        raises((MQTTException, OSError), client.wait_msg)


@test
def an_exception_from_the_callback_and_one_from_the_heap():
    server = Server()
    inbox = Inbox()

    def callback(topic, msg):
        inbox(topic, msg)
        raise ValueError(msg)

    client = server.connected("me", callback=callback)
    server.send("3205" "000174" "0007")
    raises(ValueError, client.wait_msg)
    client.set_callback(inbox)
    # A message of which no more than this comes.
    server.send("30ffffff7f" "000174" "6d{3000}" "#")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    same(inbox.messages, [(b"t", b"")])


run()
