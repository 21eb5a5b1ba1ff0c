# Python that runs while the client is at work: scheduled functions in a wait, a verify_callback within the handshake,
# another thread's callback; and what other threads may change meanwhile.

import errno
import gc
import io
import micropython
import time

from check import test, same, raises, raises_errno, skip, run
from host import Server, Inbox, broker_client, publish_from_elsewhere, needs, socket
from porttls import load_ca, needs_context, tls
from umqtt import MQTTClient

import target

try:
    import _thread
except ImportError:
    _thread = None


class Trouble(Exception):
    pass


def needs_threads():
    if _thread is None:
        skip("there are no threads")


@test
def a_scheduled_function_may_publish_while_wait_msg_waits():
    needs_threads()
    if not hasattr(micropython, "schedule"):
        skip("nothing can be scheduled")
    inbox = Inbox()
    client = broker_client("reentry-1", callback=inbox)
    client.subscribe("reentry/1", 1)
    done = []

    def scheduled(_):
        client.publish("reentry/1", "scheduled", qos=1)
        done.append(True)

    def schedule():
        # Scheduled before the message comes that ends the sleep.
        with asking:
            ready.release()
            micropython.schedule(scheduled, None)
            publish_from_elsewhere("reentry/1", "wake", 1)

    asking, ready = _thread.allocate_lock(), _thread.allocate_lock()
    ready.acquire()
    _thread.start_new_thread(schedule, ())
    while len(inbox.messages) < 2:
        client.wait_msg()
    # The next test asks over the same link: not before the answer to this one has been read.
    with ready, asking:
        pass
    same(done, [True])


@test
def a_verify_callback_that_uses_its_client_gets_runtimeerror():
    needs_context()
    raised = []
    client = None

    def verify(cert, depth):
        try:
            client.publish("t", "m")
        except RuntimeError as error:
            raised.append(error)
        return 0

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    load_ca(context, target.CA)
    try:
        context.verify_callback = verify
    except AttributeError:
        skip("SSLContext has no verify_callback")
    client = MQTTClient("reentry-2", target.NAME, target.BROKER_TLS, ssl=context)
    client.connect(timeout=10)
    same(len(raised) > 0, True)
    client.publish("t", "m", qos=1)
    client.disconnect()


@test
def a_message_that_waited_for_a_callback_goes_to_wait_msg_at_once():
    # PUBACK comes when the second message has been delivered, so it must not wait for PUBACK.
    needs_threads()
    server = Server()
    inside = _thread.allocate_lock()
    inside.acquire()
    got = []

    def callback(topic, msg):
        got.append(msg)
        if len(got) == 1:
            inside.release()
            while server.log("PINGREQ") == []:
                time.sleep_ms(5)
        else:
            server.send("4002$1")

    client = server.connected("PUBLISH.1=3004000174" "61" ";PINGREQ=*3004000174" "62", callback=callback)

    def wait():
        with inside:
            client.ping()
            while len(got) < 2:
                client.wait_msg()

    _thread.start_new_thread(wait, ())
    client.publish("t", "m", qos=1)
    # The callback may still be asking the server for something.
    with inside:
        same(got, [b"a", b"b"])


@test
def the_last_will_may_be_set_while_another_thread_connects():
    needs_threads()
    server = Server()
    client = server.client("me")
    ended = []

    def set_will():
        while not ended:
            client.set_last_will("w", "x", qos=1)

    _thread.start_new_thread(set_will, ())
    for _ in range(100):
        client.connect(timeout=5)
    ended.append(True)
    client.publish("t", "m", qos=1)


@test
def a_client_identifier_and_a_will_of_bytearrays_are_those_of_when_they_were_given():
    server = Server()
    identifier, topic, msg = bytearray(b"me"), bytearray(b"w"), bytearray(b"x")
    client = MQTTClient(identifier, target.HOST, server.port)
    client.set_last_will(topic, msg)
    for changing in (identifier, topic, msg):
        changing.extend(b"?" * 500)
    gc.collect()
    client.connect(timeout=5)
    same(server.hexes("CONNECT"), ["1014" "00044d515454" "04" "06" "003c" "00026d65" "000177" "000178"])


@test
def a_server_hostname_of_another_type_is_refused_and_closes_nothing_later():
    needs("tls")
    for hostname in (5, ["a"], 1.5):
        raises(TypeError, MQTTClient, "me", target.NAME, target.BROKER_TLS, ssl=True,
               ssl_params={"server_hostname": hostname})
    params = {}
    client = MQTTClient("me", target.NAME, target.BROKER_TLS, ssl=True, ssl_params=params)
    params["server_hostname"] = 5
    raises(TypeError, client.connect, timeout=5)
    # What takes its descriptor next keeps it.
    other = socket.socket()
    del client
    gc.collect()
    other.setblocking(False)
    other.close()


class Hostile:
    # A key that changes its dict while it is looked for.
    def __init__(self, params):
        self.params = params

    def __hash__(self):
        return 1

    def __eq__(self, other):
        self.params.clear()
        return False


@test
def a_key_of_ssl_params_that_is_no_str_is_refused():
    params = {}
    params[Hostile(params)] = 1
    for wrong in (params, {1: 2}, {b"key": b""}, {None: 1}):
        raises(TypeError, MQTTClient, "me", target.NAME, ssl=True, ssl_params=wrong)


@test
def a_callback_that_raises_ends_no_exchange_but_that_of_its_caller():
    # publish() has its PUBACK already, and delivers what waited. Its place is another one's meanwhile.
    needs_threads()
    server = Server()
    ended = []

    def subscribe():
        client.subscribe("t")
        ended.append(True)

    def callback(topic, msg):
        if msg == b"a":
            # The answer brings the message that waits.
            client.publish("t", "m", False, 1)
        else:
            _thread.start_new_thread(subscribe, ())
            server.wait("SUBSCRIBE")
        raise Trouble

    client = server.connected("PUBLISH.1=" "3004" "000174" "62" "*;SUBSCRIBE=", callback=callback)
    server.send("3004" "000174" "61")
    raises(Trouble, client.wait_msg)
    raises(Trouble, client.publish, "t", "m", False, 1)
    server.send("9003" "$3" "00")
    while not ended:
        client.check_msg()
    same(len(server.connections()), 1)


class Stream(io.IOBase):
    def ioctl(self, request, argument):
        raise ValueError

    def readinto(self, buffer):
        raise ValueError

    def write(self, octets):
        raise ValueError


@test
def a_context_that_makes_no_built_in_stream_is_refused_and_the_client_stays_usable():
    class Context:
        def wrap_socket(self, sock, **keywords):
            return self.made or sock

    context = Context()
    server = Server()
    client = server.client("me", ssl=context)
    for made in ({1}, 5, object()):
        context.made = made
        raises(OSError, client.connect, timeout=5)
    context.made = Stream()
    raises(TypeError, client.connect, timeout=5)
    context.made = None
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def a_stream_made_in_python_is_refused_and_the_client_stays_usable():
    needs("extras")
    server = Server()
    client = server.client("me")
    raises(TypeError, client.start_connect, Stream())
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


class Context:
    # An SSLContext that wraps nothing, and asks within connect() what is asked from elsewhere.
    def wrap_socket(self, sock, **keywords):
        self.finished = self.client.finished(-1)
        raises_errno(errno.EALREADY, self.client.connect)
        return sock


@test
def finished_does_not_conclude_the_connection_that_connect_is_making():
    needs("extras")
    server = Server()
    context = Context()
    client = context.client = MQTTClient("me", target.HOST, server.port, ssl=context)
    client.connect(timeout=5)
    same(context.finished, False)
    same(client.finished(-1), True)
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 1)


run()
