# needs: unix
# Threads: one may sit in wait_msg() while others publish; each method is safe from any thread.

import _thread
import errno
import sys
import time

from check import test, case, same, raises_errno, run
from host import SMALL, Server, ask, broker_client, hexed, needs

import target


class Inbox:
    # As that of host.py, but appending from any thread: there is no GIL here.
    def __init__(self):
        self.messages = []
        self.lock = _thread.allocate_lock()

    def __call__(self, topic, msg):
        with self.lock:
            self.messages.append((topic, msg))


class Thread:
    # A thread that can be joined, and that keeps what was raised in it.
    def __init__(self, function, *arguments):
        self.function, self.arguments, self.error, self.ended = function, arguments, None, False
        self.running = _thread.allocate_lock()
        self.running.acquire()
        _thread.start_new_thread(self.run, ())

    def run(self):
        try:
            self.function(*self.arguments)
        except BaseException as error:
            # Shown at once: another thread may now wait in vain, until the limit.
            sys.print_exception(error)
            self.error = error
        self.ended = True
        self.running.release()

    def join(self):
        self.running.acquire()
        if self.error:
            raise self.error

    def ended_with(self):
        self.running.acquire()
        return self.error


def publish_numbers(client, topic, begin, count, qos):
    # With qos None: 0, 1 and 2 in turn.
    for number in range(begin, begin + count):
        client.publish(topic, str(number), False, number % 3 if qos is None else qos)


def four_threads_publish(client, topic, qos, count=200):
    return [Thread(publish_numbers, client, topic, 1000 * number, count, qos) for number in range(4)]


WANTED = [1000 * thread + number for thread in range(4) for number in range(200)]


def release(waiting, more):
    # The last message may have been delivered by another thread just before the one that waits began to: more come for it.
    while not waiting.ended:
        more()
        time.sleep_ms(1)
    waiting.join()


def one_waits_four_publish(name, qos, **keywords):
    # All through mosquitto, on one client: what the four publish comes back to the one.
    inbox = Inbox()
    topic = "threads/" + name
    client = broker_client("threads-" + name, callback=inbox, timeout=30, **keywords)
    client.subscribe(topic, 2)

    def wait():
        while len(inbox.messages) < 800:
            client.wait_msg()

    waiting = Thread(wait)
    for thread in four_threads_publish(client, topic, qos):
        thread.join()
    while len(inbox.messages) < 800:
        time.sleep_ms(1)
    got = sorted([int(msg) for topic, msg in inbox.messages])
    release(waiting, lambda: client.publish(topic, "-1"))
    same(got == WANTED, True)
    client.disconnect()


for qos in (0, 1, 2, None):
    name = "mixed" if qos is None else str(qos)
    case("one_thread_waits_and_four_publish_at_qos_" + name, one_waits_four_publish, name, qos)


@test
def one_thread_waits_and_four_publish_under_tls():
    needs("tls")
    one_waits_four_publish("tls", None, port=target.BROKER_TLS, ssl=True)


@test
def four_threads_publish_at_mixed_qos_without_any_that_waits():
    handle = ask("subscribe", target.BROKER, hexed("threads/2"), 2)[0]
    client = broker_client("threads-2", timeout=30)
    for thread in four_threads_publish(client, "threads/2", None):
        thread.join()
    lines = ask("received", handle, 800)
    numbers = [int(bytes([int(line.split()[4][at:at + 2], 16) for at in range(0, len(line.split()[4]), 2)])) for line in lines]
    same(sorted(numbers) == WANTED, True)
    client.disconnect()


@test
def the_packets_of_four_threads_do_not_mix():
    # The Server would end the connection at the first octet out of place.
    server = Server()
    client = server.connected("me", timeout=30)
    payload = bytes([octet for octet in range(200)]) * 20
    # What the Server tells of them has to fit into the heap.
    each = 30 if SMALL else 99

    def publish(mark):
        for number in range(each):
            client.publish("t" + mark, payload, False, number % 3)

    for thread in [Thread(publish, mark) for mark in "abcd"]:
        thread.join()
    same([ended for octets, ended, name in server.connections()], ["-"])
    topics = [packet.hex[10:14] for packet in server.wait("PUBLISH", 4 * each, 8)]
    same([topics.count("74%02x" % ord(mark)) for mark in "abcd"], [each] * 4)
    same(len(server.log("PUBREL", 4)), each // 3 * 4)


@test
def a_thread_that_waits_gets_the_messages_while_another_publishes():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=*" "3004" "000174" "6d", callback=inbox, timeout=30)

    def wait():
        while len(inbox.messages) < 150:
            client.wait_msg()

    waiting = Thread(wait)
    publish_numbers(client, "t", 0, 150, None)
    release(waiting, lambda: server.send("3004" "000174" "6d"))
    same(inbox.messages[:150] == [(b"t", b"m")] * 150, True)


@test
def of_two_threads_that_wait_one_may_leave_and_the_other_gets_the_rest():
    # Nothing new comes once the first has left: what is there already must be handed over.
    for _ in range(20):
        server = Server()
        inbox = Inbox()
        client = server.connected("me", callback=inbox)

        def wait(count):
            while len(inbox.messages) < count:
                client.wait_msg()

        threads = [Thread(wait, 50), Thread(wait, 200)]
        server.send("".join(["3005" "000174" "%04x" % number for number in range(200)]))
        while len(inbox.messages) < 200:
            time.sleep_ms(1)
        same(sorted([msg[0] << 8 | msg[1] for topic, msg in inbox.messages]) == list(range(200)), True)
        for thread in threads:
            release(thread, lambda: server.send("3004" "000174" "6d"))


@test
def a_thread_subscribes_and_pings_while_another_waits():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)

    def wait():
        while not inbox.messages:
            client.wait_msg()

    waiting = Thread(wait)
    for number in range(50):
        client.subscribe("t%d" % number, number % 3)
        client.ping()
        client.unsubscribe("t%d" % number)
        client.check_msg()
    server.send("3004" "000174" "6d")
    waiting.join()
    same(([len(server.log(name)) for name in ("SUBSCRIBE", "PINGREQ", "UNSUBSCRIBE")], len(inbox.messages)), ([50] * 3, 1))


@test
def a_thread_publishes_while_another_is_within_half_a_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3006" "000174")
    waiting = Thread(client.wait_msg)
    # At qos 0: an acknowledgement would stand in the middle of the message.
    publish_numbers(client, "t", 0, 30, 0)
    server.wait("PUBLISH", 30)
    server.send("6d6e6f")
    waiting.join()
    same(inbox.messages, [(b"t", b"mno")])


@test
def disconnect_ends_the_wait_of_another_thread():
    server = Server()
    client = server.connected("PINGREQ=")
    waiting = Thread(client.wait_msg)
    # The round trip gives the other thread the time to begin.
    for _ in range(5):
        client.publish("t", "m", qos=1)
    client.disconnect()
    error = waiting.ended_with()
    same(error is None or isinstance(error, OSError), True)
    raises_errno(errno.ENOTCONN, client.ping)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def a_connection_that_breaks_ends_all_waits():
    server = Server()
    client = server.connected("PUBLISH=;SUBSCRIBE=;PUBREL=/")
    threads = [Thread(client.wait_msg), Thread(client.publish, "t", "m", False, 1), Thread(client.publish, "t", "m", False, 2),
               Thread(client.subscribe, "t")]
    server.wait("PUBLISH", 2)
    server.wait("SUBSCRIBE")
    server.send("~")
    for thread in threads:
        same(type(thread.ended_with()), OSError)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def the_callback_may_be_set_while_another_thread_gets_messages():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=*" "3004" "000174" "6d", callback=inbox, timeout=30)
    publishing = Thread(publish_numbers, client, "t", 0, 150, 1)
    while not publishing.ended:
        client.set_callback(inbox)
    publishing.join()
    while len(inbox.messages) < 150:
        client.check_msg()
    same(inbox.messages == [(b"t", b"m")] * 150, True)


@test
def threads_with_clients_of_their_own_do_not_disturb_each_other():
    server = Server()

    def work(name):
        inbox = Inbox()
        client = server.connected(name, callback=inbox)
        client.set_callback(inbox)
        client.subscribe("t")
        for number in range(100):
            client.publish(name, str(number), False, number % 3)
            client.check_msg()
        client.disconnect()

    for thread in [Thread(work, name) for name in ("a", "b", "c", "d")]:
        thread.join()
    same(len(server.wait("PUBLISH", 400, 4)), 400)


@test
def connect_and_disconnect_from_one_thread_while_others_publish():
    # Each publish works or raises OSError; nothing crashes, nothing hangs.
    server = Server()
    client = server.connected("me")

    def publish():
        for number in range(200):
            try:
                client.publish("t", "m", False, number % 3)
            except OSError:
                pass

    threads = [Thread(publish), Thread(publish)]
    for _ in range(20):
        client.connect(timeout=5)
        client.disconnect()
    for thread in threads:
        thread.join()
    client.connect(timeout=5)
    client.publish("end", "m", qos=1)
    same(server.log("PUBLISH")[-1].hex[:14], "3208" "0003656e64")


@test
def threads_may_connect_and_disconnect_against_each_other():
    # Each method works or raises OSError; nothing crashes, nothing hangs.
    server = Server()
    client = server.client("PUBLISH=*" "3004" "000174" "6d")
    client.set_callback(lambda topic, msg: None)
    ended = []

    def until_ended(*methods):
        while not ended:
            for method in methods:
                try:
                    method()
                except OSError:
                    pass

    waiting = [Thread(until_ended, client.wait_msg), Thread(until_ended, client.check_msg, client.wait_msg),
               Thread(until_ended, lambda: client.publish("t", "m", False, 1)),
               Thread(until_ended, lambda: client.connect(timeout=5), client.disconnect)]
    for _ in range(50):
        try:
            client.connect(timeout=5)
            client.disconnect()
        except OSError:
            pass
    ended.append(True)
    for thread in waiting:
        while not thread.ended:
            client.disconnect()
            time.sleep_ms(1)
        thread.join()
    client.connect(timeout=5)
    client.publish("end", "m", qos=1)
    same(server.log("PUBLISH")[-1].hex[:14], "3208" "0003656e64")


run()
