# needs: unix, strace
# The system calls behind each method: one write for a packet, no busy waiting, no waiting in check_msg().

import os
import socket

from check import test, case, same, raises, run
from host import Server, Inbox, needs
from umqtt import MQTTClient

import target

TRACE = os.getenv("TRACE")
WRITES = ("write", "writev", "send", "sendto", "sendmsg")
READS = ("read", "readv", "recv", "recvfrom", "recvmsg")
WAITS = ("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "nanosleep", "clock_nanosleep", "futex")
mark = open("/dev/null", "wb")
marks = [0]


def calls(action):
    # The system calls of the action, as lines "NAME(...) = ...", found between two marks in the trace.
    marks[0] += 1
    begin, end = "BEGIN %d." % marks[0], "END %d." % marks[0]
    at = os.stat(TRACE)[6]
    mark.write(begin)
    action()
    mark.write(end)
    # From where it was, and in one go: this reading is traced as well.
    with open(TRACE, "rb") as trace:
        trace.seek(at)
        seen = trace.read(1 << 16)
    lines = [line.split(" ", 1)[1].strip() for line in seen.decode().split("\n") if " " in line]
    first, last = [number for number, line in enumerate(lines) if begin in line or end in line][:2]
    return lines[first + 1:last]


def besides_signals(lines):
    # Where Ctrl-C jumps out of the signal handler (each variant up to 1.19), it is held back while Rust runs.
    return [line for line in lines if not line.startswith("rt_sigprocmask(")]


def named(lines, names):
    return [line for line in lines if line.split("(")[0] in names]


def writes_of(action):
    return len(named(calls(action), WRITES))


@test
def the_trace_is_seen():
    same(len(named(calls(lambda: mark.write(b"x")), WRITES)), 1)


for qos, wanted in ((0, 1), (1, 1), (2, 2)):
    for size in (0, 16, 256, 4096):
        def one_write(qos=qos, wanted=wanted, size=size):
            client = Server().connected("me")
            msg = bytes(size)
            client.publish("topic", msg, False, qos)
            same(writes_of(lambda: client.publish("topic", msg, False, qos)), wanted)

        case("publish_of_%d_octets_at_qos_%d_writes_each_packet_at_once" % (size, qos), one_write)


@test
def publish_at_qos_0_is_a_single_system_call():
    client = Server().connected("me")
    lines = calls(lambda: client.publish("topic", "0123456789abcdef"))
    same(len(besides_signals(lines)), 1)


@test
def subscribe_unsubscribe_ping_and_disconnect_write_once():
    client = Server().connected("me")
    same(writes_of(lambda: client.subscribe("a/b", 1)), 1)
    same(writes_of(lambda: client.unsubscribe("a/b")), 1)
    same(writes_of(lambda: client.ping()), 1)
    same(writes_of(lambda: client.disconnect()), 1)


@test
def connect_writes_once():
    client = MQTTClient("me", target.HOST, Server().port, "user", "password")
    client.set_last_will("will", "gone")
    same(writes_of(client.connect), 1)


@test
def each_acknowledgement_is_one_write():
    server = Server()
    client = server.connected("PUBREC=")
    server.send("3206" "000174" "0007" "6d")
    same(writes_of(client.wait_msg), 1)
    server.send("3406" "000174" "0007" "6d")
    same(writes_of(client.wait_msg), 1)


@test
def nodelay_is_set():
    client = Server().client("me")
    same(len([line for line in calls(client.connect) if line.startswith("setsockopt") and "TCP_NODELAY" in line]), 1)


@test
def nodelay_is_set_on_a_socket_that_is_given():
    needs("extras")
    server = Server()
    given = socket.socket()
    given.connect(socket.getaddrinfo(target.HOST, server.port)[0][-1])
    client = server.client("me")
    same(len([line for line in calls(lambda: client.start_connect(given)) if "TCP_NODELAY" in line]), 1)
    client.close()


@test
def check_msg_never_asks_the_system_to_wait():
    server = Server()
    client = server.connected("me", callback=Inbox())
    for octets in ("30", "06", "0001", "74", "6d"):
        server.send(octets)
        for line in named(calls(client.check_msg), WAITS):
            # A poll is allowed when it comes back at once.
            same((line, ", 0) =" in line or "tv_sec=0, tv_nsec=0" in line or "tv_sec=0, tv_usec=0" in line), (line, True))


@test
def check_msg_does_not_read_from_a_socket_that_blocks():
    # Either the socket does not block, or nothing is read before poll has told that something is there.
    client = Server().client("me")
    lines = calls(lambda: client.connect() or client.check_msg())
    signs = ("O_NONBLOCK", "SOCK_NONBLOCK", "MSG_DONTWAIT", "FIONBIO")
    same(len([line for line in lines for sign in signs if sign in line]) > 0, True)


@test
def check_msg_with_packets_at_hand_asks_the_system_for_nothing():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3004" "000174" "61" "3004" "000174" "62" "3004" "000174" "63")
    client.wait_msg()
    same(besides_signals(calls(client.check_msg)), [])
    same(inbox.messages, [(b"t", b"a"), (b"t", b"b")])


@test
def wait_msg_sleeps():
    # Nothing comes for a second: a loop that asks again and again would show.
    server = Server()
    client = server.connected("SUBSCRIBE=*" + "-" * 100 + "3004" "000174" "6d", callback=Inbox())
    client.subscribe("t")
    same(len(calls(client.wait_msg)) <= 20, True)


@test
def publish_sleeps_until_the_acknowledgement_comes():
    server = Server()
    client = server.connected("PUBLISH=" + "-" * 100 + "4002@")
    same(len(calls(lambda: client.publish("t", "m", qos=1))) <= 20, True)


@test
def one_read_takes_many_packets():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("".join(["3004" "000174" "%02x" % number for number in range(60)]))

    def take():
        for _ in range(60):
            client.wait_msg()

    same(len(named(calls(take), READS)) <= 10, True)


def default_port(ssl, wanted):
    # Nobody need listen there: the attempt is seen.
    def connect():
        try:
            MQTTClient("me", "127.9.9.9", 0, ssl=ssl).connect(timeout=2)
        except Exception:
            pass

    lines = [line for line in calls(connect) if line.startswith("connect") and "127.9.9.9" in line]
    same(len(lines) >= 1, True)
    same([line for line in lines if "htons(%d)" % wanted not in line], [])


case("port_0_is_1883", default_port, False, 1883)
case("port_0_with_ssl_is_8883", default_port, True, 8883)


@test
def without_a_port_it_is_1883():
    def connect():
        try:
            MQTTClient("me", "127.9.9.9").connect(timeout=2)
        except Exception:
            pass

    same(len([line for line in calls(connect) if line.startswith("connect") and "htons(1883)" in line]) >= 1, True)


@test
def every_socket_is_closed():
    server = Server()
    client = server.client("CONNECT=*/CONNECT=20020005/CONNECT=~/CONNECT=*")

    def all_ways():
        client.connect()
        raises(Exception, client.connect)
        raises(Exception, client.connect)
        client.connect()
        client.connect()
        client.disconnect()

    lines = calls(all_ways)
    same(len(named(lines, ("close",))), len([line for line in lines if line.startswith("socket(") and "SOCK_STREAM" in line]))


run()
