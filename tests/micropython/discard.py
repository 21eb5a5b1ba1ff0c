# needs: extras
# What becomes of messages that nobody acknowledges: their places, unfinished(), discard().

import errno

from check import test, same, raises, raises_errno, run
from host import Server, needs, select


@test
def messages_that_are_never_acknowledged_do_not_stop_a_clean_session():
    for qos in (1, 2):
        server = Server()
        client = server.connected("PUBLISH=", timeout=0.1)
        for _ in range(12):
            raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=qos)
            same(client.stats().in_flight, 0)
        same(len(server.wait("PUBLISH", 12)), 12)


@test
def a_late_acknowledgement_is_passed_over():
    server = Server()
    # It comes after some pauses, when the time is over.
    client = server.connected("PUBLISH.1=" + "-" * 40 + "4002@", timeout=0.1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    client.ping()
    client.wait_msg()
    client.publish("t", "m", qos=1)
    same(client.unfinished(), None)


@test
def a_kept_message_stays_in_flight_until_it_is_discarded():
    server = Server()
    client = server.connected("PUBLISH=", clean_session=False, timeout=0.1)
    raises_errno(errno.ETIMEDOUT, client.publish, "first", "m", qos=1)
    first = client.unfinished()
    raises_errno(errno.ETIMEDOUT, client.publish, "second", "m", qos=2)
    same(client.stats().in_flight, 2)
    client.discard(first)
    same(client.stats().in_flight, 1)
    client.close()
    client.connect(False, timeout=0.1)
    # Only the second one goes out again.
    packets = server.wait("PUBLISH", 3)
    same([packet.connection for packet in packets], [1, 1, 2])
    client.discard()
    same(client.stats().in_flight, 0)


@test
def a_message_that_makes_the_server_close_can_be_dropped_alone():
    server = Server()
    client = server.connected("PUBLISH=~/PUBLISH=~/", clean_session=False, timeout=5)
    raises_errno(errno.ECONNRESET, client.publish, "forbidden", "m", qos=1)
    place = client.unfinished()
    client.discard(place)
    same(client.stats().in_flight, 0)
    client.connect(False, timeout=5)
    client.check_msg()


@test
def five_of_a_kept_session_stop_the_next_until_all_are_discarded():
    server = Server()
    client = server.connected("PUBLISH=/", clean_session=False, timeout=0.1)
    for _ in range(5):
        raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    same(client.unfinished(), None)
    client.discard()
    client.connect(False, timeout=5)
    client.publish("t", "m", qos=1)


@test
def unfinished_is_of_the_last_method_that_raised():
    server = Server()
    client = server.connected("PUBLISH=", clean_session=False, timeout=0.1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    if client.unfinished() is None:
        raise AssertionError("it is in the session")
    while True:
        try:
            client.start(0, "t", "m", False, 1)
        except OSError as error:
            same(error.args[0], errno.EAGAIN)
            break
    same(client.unfinished(), None)


@test
def a_message_that_a_method_waits_for_is_not_discarded():
    server = Server()

    def callback(topic, msg):
        client.discard()

    client = server.connected("PUBLISH=3003000174-4002@", callback=callback, timeout=5)
    client.publish("t", "m", qos=1)


@test
def poll_tells_of_a_long_message_that_has_come_whole():
    needs("select")
    server = Server()
    got = []
    client = server.connected("me", callback=lambda topic, msg: got.append(len(msg)))
    poller = select.poll()
    poller.register(client, select.POLLIN)
    # Behind a short one, in one segment: the rest of it is in the buffer when the socket has nothing more.
    server.send("3003000174" + "30a006000174" + "78{797}")
    while len(got) < 2:
        if not poller.poll(5000):
            raise AssertionError("nothing is there, it says, after %r" % got)
        client.check_msg()
    same(got, [0, 797])


@test
def methods_of_what_is_no_client_raise():
    from umqtt import MQTTClient

    class Early(MQTTClient):
        def __init__(self):
            self.connect()

    class Reconnecting(MQTTClient):
        pass

    needs("layers")
    # MicroPython's own answer comes first where it looks for it.
    raises((TypeError, AttributeError), Early)
    client = Reconnecting("me", "127.0.0.1", reconn=True)
    raises(TypeError, client.connect)


run()
