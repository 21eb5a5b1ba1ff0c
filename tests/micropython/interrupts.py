# needs: stock
# Ctrl-C: KeyboardInterrupt comes out of every method that waits, and the client stays usable.

from check import test, case, same, raises, run
from host import WHO, Server, Inbox, ask, broker_client, needs
from process import until_interrupted


def usable(server, client, inbox):
    # On the same connection, and in step with the Server.
    client.publish("end", "m", qos=1)
    client.publish("end", "m", qos=2)
    inbox.messages.clear()
    server.send("3206" "000174" "0007" "7a")
    while not inbox.messages:
        client.wait_msg()
    same(inbox.messages, [(b"t", b"z")])
    same((len(server.connections()), server.connections()[0][1]), (1, "-"))


def interrupted(plan, packet, call):
    # Ctrl-C comes a moment after the Server got the packet that it will not answer.
    server = Server()
    inbox = Inbox()
    client = server.connected(plan, callback=inbox)
    ask("interrupt_after", WHO, server.port, packet, 1)
    raises(KeyboardInterrupt, call, client)
    usable(server, client, inbox)


for name, plan, packet, call in (
        ("publish_at_qos_1", "PUBLISH.1=", "PUBLISH", lambda client: client.publish("t", "m", qos=1)),
        ("publish_at_qos_2", "PUBLISH.1=", "PUBLISH", lambda client: client.publish("t", "m", qos=2)),
        ("publish_at_qos_2_before_pubcomp", "PUBREL.1=", "PUBREL", lambda client: client.publish("t", "m", qos=2)),
        ("subscribe", "SUBSCRIBE.1=", "SUBSCRIBE", lambda client: client.subscribe("t")),
        ("unsubscribe", "UNSUBSCRIBE.1=", "UNSUBSCRIBE", lambda client: client.unsubscribe("t"))):
    case("ctrl_c_out_of_%s" % name, interrupted, plan, packet, call)


@test
def ctrl_c_out_of_wait_msg():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    for _ in range(5):
        ask("interrupt", WHO, 100)
        raises(KeyboardInterrupt, client.wait_msg)
    usable(server, client, inbox)


@test
def ctrl_c_out_of_wait_msg_with_keepalive():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox, keepalive=1)
    ask("interrupt_after", WHO, server.port, "PINGREQ", 2)
    raises(KeyboardInterrupt, client.wait_msg)
    usable(server, client, inbox)


@test
def ctrl_c_out_of_wait_msg_within_half_a_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("30934e" "000174" "61{4000}")
    ask("interrupt", WHO, 100)
    raises(KeyboardInterrupt, client.wait_msg)
    server.send("62{6000}")
    client.wait_msg()
    same(inbox.messages == [(b"t", b"a" * 4000 + b"b" * 6000)], True)
    usable(server, client, inbox)


@test
def ctrl_c_out_of_connect():
    for plan in ("CONNECT=/", "CONNECT=2002/"):
        server = Server()
        client = server.client(plan)
        ask("interrupt_after", WHO, server.port, "CONNECT", 1)
        raises(KeyboardInterrupt, client.connect)
        client.connect(timeout=5)
        client.publish("t", "m", qos=1)


@test
def ctrl_c_out_of_the_tls_handshake():
    needs("tls")
    server = Server("mute")
    client = server.client("me", ssl=True)
    ask("interrupt", WHO, 300)
    raises(KeyboardInterrupt, client.connect)


@test
def ctrl_c_out_of_wait_msg_under_tls():
    needs("tls")
    server = Server("tls")
    inbox = Inbox()
    client = server.connected("me", ssl=True, callback=inbox)
    ask("interrupt", WHO, 200)
    raises(KeyboardInterrupt, client.wait_msg)
    usable(server, client, inbox)


@test
def ctrl_c_out_of_a_publish_that_cannot_write():
    server = Server()
    client = server.connected("me", timeout=30)
    server.stall("freeze")
    msg = bytes(60000)
    ask("interrupt", WHO, 1500)

    def publish():
        while True:
            client.publish("t", msg)

    raises(KeyboardInterrupt, publish)
    server.stall("thaw")
    # Half a packet may have gone out. So the connection is over, or goes on with the other half: the Server would fail at a
    # wrong one.
    try:
        client.publish("end", "m", qos=1)
    except OSError:
        client.connect(timeout=5)
        client.publish("end", "m", qos=1)
    same(set([packet.length for packet in server.log("PUBLISH", 4)]) <= set([60007, 10]), True)
    same([ended for octets, ended, name in server.connections() if ended.startswith("error")], [])


@test
def ctrl_c_in_the_callback():
    server = Server()
    inbox = Inbox()

    def callback(topic, msg):
        inbox(topic, msg)
        if msg == b"m":
            ask("interrupt", WHO, 50)
            while True:
                pass

    client = server.connected("me", callback=callback)
    server.send("3004" "000174" "6d")
    raises(KeyboardInterrupt, client.wait_msg)
    usable(server, client, inbox)


@test
def ctrl_c_at_any_moment_of_a_busy_client_leaves_it_in_step():
    # It strikes where it will: in Python, in the shim, in Rust, in the system's calls.
    server = Server()
    client = server.connected("PUBLISH=*" "3004" "000174" "6d", timeout=50)
    for round in range(60):
        qos = round % 3

        def work():
            client.publish("t", "message", False, qos)
            client.check_msg()

        until_interrupted(work, 60 + round % 7)
    client.publish("end", "m", qos=1)
    same([ended for octets, ended, name in server.connections()], ["-"])


@test
def ctrl_c_at_any_moment_of_a_flood_leaves_the_client_in_step():
    # Nothing in Python allocates here: a stock MicroPython that is interrupted in an allocation keeps its heap locked.
    last = [b""]
    wrong = [None]
    text, payload = "m" * 50, b"m" * 50

    def callback(topic, msg):
        last[0] = msg
        if msg != payload and msg != b"end":
            wrong[0] = msg

    # A name of this process's own: another variant may run this at the same moment, and would be thrown out.
    topic = "interrupts/%s" % WHO
    client = broker_client("interrupts-%s" % WHO, callback=callback, timeout=20)
    client.subscribe(topic)

    def publish():
        client.publish(topic, text)

    for round in range(50):
        until_interrupted(publish, 60)
        until_interrupted(client.check_msg, 60)
    client.publish(topic, "end", qos=1)
    while last[0] != b"end":
        client.wait_msg()
    same(wrong[0], None)
    client.disconnect()


run()
