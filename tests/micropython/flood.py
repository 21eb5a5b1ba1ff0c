# Many messages at once, and a Server that is slow to read.

import errno

from check import test, same, raises_errno, run
from host import Server, Inbox, ask, broker_client, hexed

import target


def numbered(count, qos=0):
    # PUBLISH packets, their Packet Identifier and payload the number.
    if qos:
        return "".join(["3%d07" % (2 * qos) + "000174" "%04x" % number + "%04x" % number for number in range(1, count + 1)])
    return "".join(["3005" "000174" "%04x" % number for number in range(1, count + 1)])


def numbers(inbox):
    return [msg[0] << 8 | msg[1] for topic, msg in inbox.messages]


@test
def a_thousand_messages_in_one_write_come_in_order():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send(numbered(1000))
    for _ in range(1000):
        client.wait_msg()
    same(numbers(inbox) == list(range(1, 1001)), True)


@test
def a_thousand_messages_by_check_msg_come_in_order():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send(numbered(1000))
    while len(inbox.messages) < 1000:
        client.check_msg()
    same(numbers(inbox) == list(range(1, 1001)), True)


@test
def three_hundred_messages_at_qos_1_are_each_acknowledged():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send(numbered(300, 1))
    for _ in range(300):
        client.wait_msg()
    server.wait("PUBACK", 300)
    same(server.hexes("PUBACK") == ["4002%04x" % number for number in range(1, 301)], True)
    same(numbers(inbox) == list(range(1, 301)), True)


@test
def three_hundred_messages_at_qos_2_come_once_each():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    # mosquitto has at most 20 under way at a time, as it comes.
    for begin in range(15):
        server.send("".join(["3407" "000174" "%04x%04x" % (begin * 20 + number, begin * 20 + number) for number in range(1, 21)]))
        for _ in range(20):
            client.wait_msg()
        while len(server.log("PUBCOMP")) < 20 * (begin + 1):
            client.check_msg()
    same(numbers(inbox) == list(range(1, 301)), True)


@test
def twenty_messages_at_qos_2_may_wait_for_pubrel_at_a_time():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=", callback=inbox)
    server.send(numbered(20, 2))
    for _ in range(20):
        client.wait_msg()
    # All of them again, then all released, the last first.
    server.send(numbered(20, 2).replace("3407", "3c07"))
    server.send("".join(["6202%04x" % number for number in range(20, 0, -1)]))
    while len(server.log("PUBCOMP")) < 20:
        client.check_msg()
    same(numbers(inbox), list(range(1, 21)))
    same(server.hexes("PUBREC"), ["5002%04x" % number for number in range(1, 21)] * 2)
    same(server.hexes("PUBCOMP"), ["7002%04x" % number for number in range(20, 0, -1)])


@test
def twenty_messages_at_qos_2_are_acknowledged_between_halves_of_exchanges_of_ours():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=" + numbered(20, 2) + "5002@;PUBREC=", callback=inbox)
    client.publish("t", "m", qos=2)
    while len(inbox.messages) < 20:
        client.wait_msg()
    same((numbers(inbox), server.hexes("PUBREL")), (list(range(1, 21)), ["62020001"]))


@test
def a_flood_while_publish_waits_is_delivered_and_publish_returns():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH.1=" + numbered(500) + "4002@", callback=inbox)
    client.publish("t", "m", qos=1)
    while len(inbox.messages) < 500:
        client.wait_msg()
    same(numbers(inbox) == list(range(1, 501)), True)


@test
def a_thousand_messages_from_mosquitto_at_each_qos():
    inbox = Inbox()
    client = broker_client("flood-1", callback=inbox)
    client.subscribe("flood/1", 2)
    other = broker_client("flood-2")
    for number in range(1000):
        other.publish("flood/1", str(number), qos=number % 3)
        if number % 20 == 19:
            client.check_msg()
    while len(inbox.messages) < 1000:
        client.wait_msg()
    got = [int(msg) for topic, msg in inbox.messages]
    for qos in (0, 1, 2):
        same([number for number in got if number % 3 == qos] == [number for number in range(1000) if number % 3 == qos], True)
    client.disconnect()
    other.disconnect()


@test
def publish_waits_for_a_server_that_is_slow_to_read():
    server = Server()
    client = server.connected("me", timeout=20)
    server.stall()
    # More than the buffers on the way hold; the Server reads on when it sees that nothing moves any more.
    msg = bytes(60000)
    for _ in range(200):
        client.publish("t", msg)
    client.publish("end", "", qos=1)
    same([packet.length for packet in server.log("PUBLISH", 1)], [60007] * 200 + [9])


@test
def a_message_cut_by_a_full_buffer_arrives_whole():
    server = Server()
    client = server.connected("PUBLISH=", timeout=20)
    server.stall()
    for number in range(200):
        client.publish("t", bytes([number]) * 60000, qos=0)
    server.wait("PUBLISH", 200, 1)
    same([packet.hex for packet in server.log("PUBLISH", 8)], ["30e3d403" "000174" "%02x" % number for number in range(200)])


@test
def publish_gives_up_a_server_that_never_reads_again():
    server = Server()
    client = server.connected("me", timeout=1)
    server.stall("freeze")
    msg = bytes(60000)

    def publish():
        while True:
            client.publish("t", msg)

    raises_errno(errno.ETIMEDOUT, publish)
    server.stall("thaw")
    # Half a packet may have gone out. So the connection is over, or goes on with the other half: the Server would fail at a
    # wrong one.
    try:
        client.publish("end", "", qos=1)
    except OSError:
        client.connect(timeout=5)
        client.publish("end", "", qos=1)
    same([ended for octets, ended, name in server.connections() if ended.startswith("error")], [])
    same(server.log("PUBLISH")[-1].length, 9)
    same(set([packet.length for packet in server.log("PUBLISH", 4)]), set([60007, 9]))


class Sizes:
    # A callback that keeps no message, only its first octet and its length.
    def __init__(self):
        self.messages = []

    def __call__(self, topic, msg):
        self.messages.append((msg[0], len(msg)))


@test
def both_sides_may_flood_each_other():
    # The Server sends while the client's writes wait, and the client takes one message for each that it sends.
    server = Server()
    sizes = Sizes()
    client = server.connected("PUBLISH=&", callback=sizes, timeout=30)
    for number in range(300):
        client.publish("t", bytes([number & 255]) * 20000)
        client.check_msg()
    while len(sizes.messages) < 300:
        client.wait_msg()
    same(sizes.messages, [(number & 255, 20000) for number in range(300)])


@test
def large_messages_through_mosquitto_both_ways():
    handle = ask("subscribe", target.BROKER, hexed("flood/3"), 1)[0]
    sizes = Sizes()
    client = broker_client("flood-3", callback=sizes)
    client.subscribe("flood/3", 1)
    for number in range(20):
        client.publish("flood/3", bytes([number]) * 50000, qos=1)
    while len(sizes.messages) < 20:
        client.wait_msg()
    same(sizes.messages, [(number, 50000) for number in range(20)])
    same([line.split()[3] for line in ask("received", handle, 20)], ["50000"] * 20)
    client.disconnect()


run()
