# What a client can be at when something fails: each point of each method, for the scripts that make it fail there.
#
# each_point() tries an action again and again, with the fault at its first point, its second and so on, until the action is
# over before the fault comes. After each try the client must be connected and in step, or not connected and fit to connect.

import errno
import gc
import select
import socket

import check
import faults
import target
from host import WHO, Server, ask
from umqtt import MQTTClient, MQTTException

ECHO = "PUBLISH=*&"
LONG = b"0123456789abcdef" * 200


class Bench:
    # One client, one Server that sends back what it gets, and what came of it last.
    def __init__(self, plan=ECHO, mode="plain", **keywords):
        self.server = Server(mode)
        self.name, self.keywords = plan, keywords
        self.last, self.answers, self.raises, self.place = None, None, None, None
        self.make()

    def make(self):
        self.client = self.server.client(self.name, **self.keywords)
        self.client.set_callback(self.callback)

    def callback(self, topic, msg):
        self.last = msg
        if topic == b"ask":
            # Both wait in the queue until this has returned.
            self.client.publish("t", "answer", qos=1)
            self.client.publish("t", "answer", qos=2)
        if topic == b"raise":
            raise ValueError(msg)

    def connect(self):
        self.client.connect(timeout=5)

    def is_connected(self):
        try:
            self.client.check_msg()
            self.client.publish("t", "here?")
            return True
        except OSError as error:
            if error.args[0] != errno.ENOTCONN:
                raise
            return False

    def receive(self, msg):
        while self.last != msg:
            self.client.wait_msg()

    def check_in_step(self, mark):
        # Both ways, and with what is longer than the receive buffer.
        msg = b"in step %d" % mark
        for text, qos in ((msg, 1), (LONG + msg, 2)):
            self.client.publish("t", text, False, qos)
            self.receive(text)

    def check_sound(self, mark):
        # What has come, but could not be delivered, may raise once more: not in the check.
        connected = self.is_connected()
        if not connected:
            self.connect()
        self.check_in_step(mark)
        return connected


def send(text):
    return lambda bench: bench.server.send(text)


def receive(bench):
    # The message that was sent; waiting for it may take several calls, since an acknowledgement ends none.
    bench.last = None
    bench.receive(bench.awaited)


def publish(topic, msg, qos):
    def action(bench):
        bench.client.publish(topic, msg, False, qos)
    return action


def wait_msg(bench):
    bench.client.wait_msg()


def check_msg(bench):
    bench.last = None
    while bench.last is None:
        bench.client.check_msg()


def construct(bench):
    # Of what can change a copy is kept.
    client = MQTTClient(bytearray(ECHO.encode()), target.HOST, bench.server.port, bytearray(b"user"), bytearray(b"password"))
    client.set_last_will(bytearray(b"will"), bytearray(b"gone"))
    client.set_callback(bench.callback)
    bench.client = client


def make_again(bench):
    bench.client.disconnect()
    bench.make()


def disconnect(bench):
    bench.client.disconnect()


def connect(bench):
    bench.client.connect(timeout=5)


def resume(bench):
    bench.client.connect(False, timeout=5)


def leave_in_flight(bench):
    # A connection that broke with two exchanges under way: at the first writing of each.
    for qos in (1, 2):
        bench.client.connect(False, timeout=5)
        faults.call(1, errno.ECONNRESET, False)
        check.raises_errno(errno.ECONNRESET, bench.client.publish, "t", "in flight", False, qos)
        check.same(faults.end(), True)


def ping(bench):
    bench.client.ping()
    bench.client.wait_msg()


def finish(bench):
    # Nobody waits in a method: the client is polled, until what was begun is over, whatever came between.
    poller = select.poll()
    while bench.place is not None:
        over = bench.client.finished(bench.place)
        if over:
            bench.place = None
        else:
            poller.register(bench.client, select.POLLOUT if over is None else select.POLLIN)
            poller.poll()


def start(*words):
    def action(bench):
        bench.place = bench.client.start(*words)
        finish(bench)
    return action


def open_socket(bench):
    bench.client.close()
    bench.sock = socket.socket()
    bench.sock.connect(socket.getaddrinfo(target.HOST, bench.server.port)[0][-1])
    bench.sock.setblocking(False)


def start_connect(bench):
    try:
        bench.client.start_connect(bench.sock, True, 5)
    except:
        # It is not the client's yet.
        bench.sock.close()
        raise
    bench.place = -1
    finish(bench)


def nothing(bench):
    pass


def message(qos, topic, payload):
    # PUBLISH as the Server sends it. In one go: between two, the Server might answer something else.
    length = 2 + len(topic) + (2 if qos else 0) + len(payload)
    header = "%02x" % length if length < 128 else "%02x%02x" % (length & 127 | 128, length >> 7)
    text = "3%d" % (2 * qos) + header + "00%02x" % len(topic) + "".join(["%02x" % octet for octet in topic])
    text += ("%04x" % (qos + 100) if qos else "") + "".join(["%02x" % octet for octet in payload])
    return text


SHORT = b"short"
# Name, plan and options of the Bench, what comes before, the action, and whether the client stays connected at all.
ACTIONS = [
    ("constructing", {}, make_again, construct),
    ("connect", {}, disconnect, connect),
    ("connect_while_connected", {}, nothing, connect),
    ("connect_with_messages_in_flight", {}, leave_in_flight, resume),
    ("disconnect", {}, nothing, disconnect),
    ("subscribe", {}, nothing, lambda bench: bench.client.subscribe("t/+", 2)),
    ("unsubscribe", {}, nothing, lambda bench: bench.client.unsubscribe("t/+")),
    ("ping", {}, nothing, ping),
    ("callback_that_publishes", {}, send(message(1, b"ask", SHORT)), check_msg),
    ("wait_msg_with_a_callback_that_publishes", {}, send(message(2, b"ask", SHORT)), wait_msg),
    ("start_connect", {}, open_socket, start_connect),
    ("start_of_subscribe", {}, finish, start(1, "t/+", b"", False, 2)),
    ("start_of_unsubscribe", {}, finish, start(2, "t/+")),
]
for qos in (0, 1, 2):
    ACTIONS.append(("start_of_publish_at_qos_%d" % qos, {}, finish, start(0, "t", "m", False, qos)))
    ACTIONS.append(("start_of_publish_of_a_long_message_at_qos_%d" % qos, {}, finish, start(0, "t", bytearray(LONG), False, qos)))
    ACTIONS.append(("publish_at_qos_%d" % qos, {}, nothing, publish("t", "m", qos)))
    ACTIONS.append(("publish_of_a_long_message_at_qos_%d" % qos, {}, nothing, publish(b"t", bytearray(LONG), qos)))
    for name, method in (("wait_msg", wait_msg), ("check_msg", check_msg)):
        for size, payload in (("short", SHORT), ("long", LONG)):
            ACTIONS.append(("%s_of_a_%s_message_at_qos_%d" % (name, size, qos), {}, send(message(qos, b"t", payload)), method))
TLS = {"mode": "tls", "ssl": True}
VERIFIED = {"mode": "tls", "ssl": True,
            "ssl_params": {"cadata": target.CA, "cert": target.CLIENT_CERT, "key": target.CLIENT_KEY,
                           "server_hostname": target.NAME}}
TLS_ACTIONS = [
    ("connect_with_tls", TLS, disconnect, connect),
    ("connect_with_verified_tls", VERIFIED, disconnect, connect),
    ("start_connect_with_tls", TLS, open_socket, start_connect),
    ("publish_at_qos_2_under_tls", TLS, nothing, publish("t", "m", 2)),
    ("wait_msg_of_a_long_message_under_tls", TLS, send(message(1, b"t", LONG)), wait_msg),
    ("disconnect_under_tls", TLS, nothing, disconnect),
]


def descriptors():
    gc.collect()
    return int(ask("descriptors", WHO)[0])


def each_point(options, before, action, arm, allowed, sparse=False, make=Bench):
    # arm(k) sets the fault; allowed: what may be raised when it has struck. Returns how many points there were. sparse: where
    # there are thousands, ever more of them are left out.
    bench = make(**options)
    bench.connect()
    bench.check_in_step(0)
    opened, taken = descriptors(), gc.mem_alloc()
    k = 0
    while True:
        k += 1 + (k // 10 if sparse else 0)
        if not bench.is_connected():
            bench.connect()
        before(bench)
        error = None
        arm(k)
        try:
            action(bench)
            for _ in range(2):
                pass  # a jump, at which a Ctrl-C from the end of the action is raised
        except Exception as raised:
            error = raised
        except KeyboardInterrupt as raised:
            error = raised
        struck = faults.end()
        if error is not None and not (struck and isinstance(error, allowed)):
            print("at point", k, "struck" if struck else "not struck")
            raise error
        try:
            bench.check_sound(k)
        except BaseException:
            print("at point", k, "after", repr(error))
            raise
        if not struck:
            check.same(descriptors() - opened, 0)
            # The collector may take a stray word on the stack for the last long message.
            grown = gc.mem_alloc() - taken
            if grown > len(LONG) + 1024:
                raise AssertionError("%d octets of heap are lost" % grown)
            return k - 1
