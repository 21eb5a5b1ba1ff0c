# Sizes: Remaining Length at each of its boundaries and the longest topics, both ways.

import gc

from check import test, case, same, skip, run
from host import Server, Inbox, broker_client

# [2.2.3, table 2.4]
BOUNDARIES = ((3, "3003"), (4, "3004"), (127, "307f"), (128, "308001"), (16383, "30ff7f"), (16384, "30808001"),
              (2097151, "30ffff7f"), (2097152, "3080808001"))


def pattern(size):
    # A payload of that size in which no octet could take another's place unseen. Skips where the heap cannot hold it twice.
    gc.collect()
    try:
        room = bytearray(3 * size)
    except MemoryError:
        skip("the heap is too small")
    del room
    gc.collect()
    part = bytes([octet for octet in range(251)])
    return memoryview(part * (size // 251 + 1))[:size]


def outgoing(length, header):
    server = Server()
    client = server.connected("me", timeout=20)
    msg = pattern(length - 3)
    client.publish("t", msg)
    client.publish("end", "", qos=1)
    packet = server.log("PUBLISH", 16)[0]
    same((packet.length, packet.hex[:len(header) + 6]), (length + len(header) // 2, header + "000174"))


def incoming(length, header):
    server = Server()
    good = []

    def callback(topic, msg):
        # Looked at here, so that only one of them is alive.
        half = len(msg) - len(msg) // 2
        good.append((topic, len(msg), msg.count(b"a") == half, msg.count(b"b") == len(msg) // 2))

    client = server.connected("me", timeout=20, callback=callback)
    pattern(length)
    size = length - 3
    server.send("%s" "000174" "61{%d}" "62{%d}" "3003" "000175" % (header, size - size // 2, size // 2))
    client.wait_msg()
    client.wait_msg()
    same(good, [(b"t", size, True, True), (b"u", 0, True, True)])


def through_mosquitto(length, qos):
    # Remaining Length is that of the packets on both ways; mosquitto counts it with the identifier at qos 1 and 2.
    size = length - 8 - (2 if qos else 0)
    msg = pattern(size)
    good = []

    def callback(topic, got):
        good.append((topic, got == msg))

    client = broker_client("sizes-1", callback=callback, timeout=20)
    client.subscribe("size/1", qos)
    client.publish("size/1", msg, qos=qos)
    while not good:
        client.wait_msg()
    same(good, [(b"size/1", True)])
    client.disconnect()


for length, header in BOUNDARIES:
    case("remaining_length_%d_outgoing" % length, outgoing, length, header)
    case("remaining_length_%d_incoming" % length, incoming, length, header)
for length in (127, 128, 16383, 16384, 2097151, 2097152):
    for qos in (0, 1, 2):
        case("remaining_length_%d_through_mosquitto_at_qos_%d" % (length, qos), through_mosquitto, length, qos)


def payload_through_mosquitto(size):
    inbox = Inbox()
    client = broker_client("sizes-2", callback=inbox)
    client.subscribe("size/2", 2)
    for qos in (0, 1, 2):
        client.publish("size/2", pattern(size), qos=qos)
    while len(inbox.messages) < 3:
        client.wait_msg()
    same(inbox.messages == [(b"size/2", bytes(pattern(size)))] * 3, True)
    client.disconnect()


for size in (0, 1, 2, 100, 200, 255, 256, 257, 511, 512, 513, 1000, 1023, 1024, 1025, 2048, 4096, 10000, 65535, 65536, 70000):
    case("a_payload_of_%d_octets_passes_mosquitto_at_every_qos" % size, payload_through_mosquitto, size)


@test
def every_size_up_to_six_hundred_passes_both_ways():
    # Across every size of buffer on the way, the packet echoed as it came.
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=&", callback=inbox)
    whole = bytes(pattern(600))
    for size in range(600):
        client.publish("t", memoryview(whole)[:size])
        client.wait_msg()
        topic, msg = inbox.messages.pop()
        if msg != whole[:size]:
            same((size, msg), (size, whole[:size]))


@test
def every_size_of_topic_up_to_six_hundred_passes_both_ways():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=&", callback=inbox)
    for size in range(1, 600):
        client.publish("t" * size, "m")
        client.wait_msg()
        same(inbox.messages.pop(), (b"t" * size, b"m"))


@test
def a_topic_of_65535_octets_comes_in():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox, timeout=20)
    # 65,542 octets after the fixed header.
    server.send("32868004" "ffff" "61{65534}62" "0007" "6d6e6f")
    client.wait_msg()
    topic, msg = inbox.messages[0]
    same((len(topic), topic[:2], topic[-2:], msg), (65535, b"aa", b"ab", b"mno"))
    server.wait("PUBACK")


@test
def a_topic_of_65535_octets_goes_out_and_comes_back():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=&", callback=inbox, timeout=20)
    topic = "中" * 21844 + "end"
    client.publish(topic, "m")
    client.wait_msg()
    same(inbox.messages == [(topic.encode(), b"m")], True)


run()
