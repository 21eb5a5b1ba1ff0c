# The MicroPython heap: what allocates nothing, what allocates no more than it must, and that nothing is lost.

import errno
import gc

from check import test, case, same, raises, raises_errno, skip, run
from host import Server, Inbox, ask, broker_client
from umqtt import MQTTClient, MQTTException

import target

ROUNDS = 50
CLIENT_MOST = 1536


def at_most(got, most):
    if got > most:
        raise AssertionError("%d octets of heap, at most %d were due" % (got, most))


def allocated_by(action):
    # Octets of heap taken by ROUNDS calls, nothing of it given back meanwhile.
    for _ in range(3):
        action()
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        for _ in range(ROUNDS):
            action()
        return gc.mem_alloc() - before
    finally:
        gc.enable()


@test
def the_measure_sees_an_allocation():
    same(allocated_by(lambda: bytearray(100)) >= 100 * ROUNDS, True)
    same(allocated_by(lambda: None), 0)


def publish_allocates_nothing(topic, msg, qos):
    client = Server().connected("me")
    same(allocated_by(lambda: client.publish(topic, msg, False, qos)), 0)
    client = broker_client("heap-1")
    same(allocated_by(lambda: client.publish(topic, msg, False, qos)), 0)
    client.disconnect()


for qos in (0, 1, 2):
    for name, topic, msg in (("bytes", b"heap/1", b"payload"), ("str", "heap/1", "payload"),
                             ("bytearray", bytearray(b"heap/1"), bytearray(300)),
                             ("4096_octets", b"heap/1", bytes(4096))):
        case("publish_of_%s_at_qos_%d_allocates_nothing" % (name, qos), publish_allocates_nothing, topic, msg, qos)


@test
def publish_works_under_a_locked_heap():
    try:
        from micropython import heap_lock, heap_unlock
    except ImportError:
        skip("no heap_lock")
    client = Server().connected("me")
    heap_lock()
    try:
        client.publish("t", "m")
        client.publish("t", "m", False, 1)
        client.publish("t", "m", False, 2)
        client.check_msg()
        client.ping()
    finally:
        heap_unlock()


@test
def check_msg_with_nothing_there_allocates_nothing():
    client = Server().connected("me")
    same(allocated_by(client.check_msg), 0)


@test
def ping_allocates_nothing():
    client = Server().connected("me")
    same(allocated_by(client.ping), 0)
    client.wait_msg()


@test
def ping_and_wait_msg_allocate_nothing():
    client = Server().connected("me")

    def there_and_back():
        client.ping()
        client.wait_msg()

    same(allocated_by(there_and_back), 0)


def cost(size):
    # What the port takes for a bytes object of that size.
    source = memoryview(bytearray(size))
    return allocated_by(lambda: bytes(source))


def receive(size, qos, method):
    server = Server()
    client = server.connected("PUBREC=")
    seen = [0]

    def callback(topic, msg):
        seen[0] += 1

    client.set_callback(callback)
    # All messages are there before the first is taken, and three more for the rounds that are not counted.
    length = 3 + size + (2 if qos else 0)
    one = "3%d%02x" % (2 * qos, length) + "000174" + ("0007" if qos else "") + "6d" * size + ("62020007" if qos == 2 else "")
    server.send(one * (ROUNDS + 3))

    def take():
        wanted = seen[0] + 1
        while seen[0] < wanted:
            method(client)

    at_most(allocated_by(take), cost(1) + cost(size))


for size in (1, 16, 100):
    for qos in (0, 1, 2):
        case("a_message_of_%d_octets_at_qos_%d_takes_its_two_objects_only_by_wait_msg" % (size, qos), receive, size, qos,
             lambda client: client.wait_msg())
case("a_message_takes_its_two_objects_only_by_check_msg", receive, 16, 1, lambda client: client.check_msg())


@test
def a_connected_client_takes_at_most_1536_octets():
    server = Server()
    # The first one has the port make what it makes only once.
    server.connected("me").disconnect()
    gc.collect()
    before = gc.mem_alloc()
    client = MQTTClient("me", target.HOST, server.port)
    client.connect()
    gc.collect()
    at_most(gc.mem_alloc() - before, CLIENT_MOST)
    client.disconnect()


@test
def a_client_takes_no_more_after_messages_both_ways():
    server = Server()
    server.connected("me").disconnect()
    inbox = [0]

    def callback(topic, msg):
        inbox[0] += 1

    gc.collect()
    before = gc.mem_alloc()
    client = MQTTClient("me", target.HOST, server.port)
    client.set_callback(callback)
    client.connect()
    client.subscribe("t", 2)
    for qos in (0, 1, 2):
        client.publish("t", "m", False, qos)
    server.send("3206" "000174" "0007" "6d" "3406" "000174" "0008" "6d")
    while inbox[0] < 2:
        client.wait_msg()
    gc.collect()
    # A message's objects may still be seen on the stack by the collector: they are small.
    at_most(gc.mem_alloc() - before, CLIENT_MOST + 256)
    client.disconnect()


def collected(action):
    # Octets of heap that remain after the action, everything collected.
    action()
    gc.collect()
    before = gc.mem_alloc()
    action()
    gc.collect()
    return gc.mem_alloc() - before


@test
def three_hundred_messages_of_4_kib_leave_the_heap_as_it_was():
    server = Server()
    seen = [0]

    def callback(topic, msg):
        same(len(msg), 4096)
        seen[0] += 1

    client = server.connected("me", callback=callback)

    def receive_300():
        for _ in range(6):
            server.send("308320" "000174" "78{4096}" * 50)
            for _ in range(50):
                client.wait_msg()

    # The collector may take a stray word on the stack for the last message; 300 lost objects would be 9,600 octets at the least.
    at_most(collected(receive_300), 4096 + 256)
    same(seen[0], 600)


@test
def three_hundred_messages_of_4_kib_to_mosquitto_and_back_leave_the_heap_as_it_was():
    seen = [0]

    def callback(topic, msg):
        seen[0] += len(msg)

    client = broker_client("heap-2", callback=callback)
    client.subscribe("heap/2", 1)
    msg = bytes(4096)

    def echo_300():
        for _ in range(300):
            wanted = seen[0] + 4096
            client.publish("heap/2", msg, False, 1)
            while seen[0] < wanted:
                client.wait_msg()

    at_most(collected(echo_300), 4096 + 256)
    client.disconnect()


@test
def connecting_again_and_again_leaves_the_heap_as_it_was():
    server = Server()
    client = server.client("me")

    def connect_100():
        for _ in range(100):
            client.connect()
            client.disconnect()

    at_most(collected(connect_100), 1024)


@test
def failed_connects_leave_the_heap_as_it_was():
    server = Server()
    client = server.client("CONNECT=20020005")

    def refused_100():
        for _ in range(100):
            raises(MQTTException, client.connect)

    at_most(collected(refused_100), 1024)


def declared(packet, most):
    # 268,435,455 octets are announced, and never come.
    server = Server()
    client = server.connected("me")
    client.check_msg()
    server.send(packet)
    gc.collect()
    before = gc.mem_alloc()
    gc.disable()
    for _ in range(50):
        client.check_msg()
    grown = gc.mem_alloc() - before
    gc.enable()
    at_most(grown, most)
    server.send("#")

    def check():
        while True:
            client.check_msg()

    raises_errno(errno.ECONNRESET, check)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


case("a_declared_length_of_268435455_alone_allocates_nothing", declared, "30ffffff7f", 0)
case("a_declared_length_of_268435455_and_a_topic_allocate_little", declared, "30ffffff7f" "000174", 1024)
case("a_declared_length_of_268435455_and_a_little_payload_allocate_little", declared, "30ffffff7f" "000174" "6d{100}", 2048)
case("a_declared_length_of_268435455_at_qos_2_allocates_little", declared, "34ffffff7f" "000174" "0001" "6d{100}", 2048)
case("a_declared_topic_of_65535_octets_allocates_little", declared, "30ffffff7f" "ffff" "6d{100}", 2048)


@test
def a_message_larger_than_the_heap_raises_memoryerror_and_connect_works():
    server = Server()
    # Without a callback the message would be dropped as it comes.
    client = server.connected("me", timeout=20, callback=Inbox())
    gc.collect()
    size = gc.mem_alloc() + gc.mem_free() + 100000
    if size > 64000000:
        skip("the heap is too large")
    length = size + 3
    header = "30%02x%02x%02x%02x" % (length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127 | 128, length >> 21)
    ask("send_later", server.port, header + "000174" "6d{%d}" % size)
    raises(MemoryError, client.wait_msg)
    gc.collect()
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def half_a_message_survives_the_collector():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("30934e" "000174" "61{4000}")
    for part in ("62{3000}", "63{2984}", "64{16}"):
        for _ in range(10):
            client.check_msg()
        gc.collect()
        rubbish = [bytearray(b"?" * 500) for _ in range(200)]
        server.send(part)
    client.wait_msg()
    same(inbox.messages == [(b"t", b"a" * 4000 + b"b" * 3000 + b"c" * 2984 + b"d" * 16)], True)
    same(len(rubbish), 200)


@test
def messages_kept_by_the_callback_do_not_change_afterwards():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    # From "0" on: topics of one letter more.
    for number in range(0x30, 0x70):
        server.send("3006" "0002" "74%02x" "6d%02x" % (number, number))
        client.wait_msg()
        if number % 10 == 0:
            gc.collect()
    same(inbox.messages, [(b"t" + bytes([number]), b"m" + bytes([number])) for number in range(0x30, 0x70)])


run()
