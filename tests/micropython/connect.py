# connect(): what it sends, what ends it, how long it may take, and what it leaves behind.

import errno

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, broker_client, drip
from umqtt import MQTTClient, MQTTException

import target

CONNECT = "100e" "00044d515454" "04" "02" "003c" "00026d65"


def usable(server, client, connections):
    # After what went before, the client is not connected; connect() and publish() work again.
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)
    same(server.log("PUBLISH")[-1].connection, connections)


@test
def connect_sends_one_connect_and_nothing_else():
    server = Server()
    client = server.connected("me")
    client.check_msg()
    same(server.hexes(), [CONNECT])
    same(server.log()[0].segments, 1)


@test
def clean_session_is_the_default():
    server = Server()
    server.client("me").connect()
    same(server.hexes(), [CONNECT])


@test
def clean_session_false_is_sent():
    server = Server()
    server.client("me").connect(False)
    server.client("me").connect(clean_session=False)
    same(server.hexes(), ["100e" "00044d515454" "04" "00" "003c" "00026d65"] * 2)


def refused_with(code):
    server = Server()
    client = server.client("CONNECT=200200%02x/" % code)
    error = raises(MQTTException, client.connect)
    same(error.args[0], code)
    server.gone(1)
    usable(server, client, 2)


for code in (1, 2, 3, 4, 5):
    case("refusal_%d_raises_it_as_first_argument" % code, refused_with, code)


def reserved_code(code):
    server = Server()
    client = server.client("CONNECT=200200%02x/" % code)
    raises(MQTTException, client.connect)
    server.gone(1)
    usable(server, client, 2)


for code in (6, 7, 128, 255):
    case("reserved_return_code_%d_refuses" % code, reserved_code, code)


def broken(answer):
    server = Server()
    client = server.client("CONNECT=%s/" % answer)
    error = raises(MQTTException, client.connect, timeout=5)
    same(type(error.args[0]), str)
    server.gone(1)
    usable(server, client, 2)


for name, answer in (
        ("connack_with_reserved_flag_1", "20020200"), ("connack_with_reserved_flag_7", "20028000"),
        ("connack_with_all_flags", "2002ff00"),
        ("connack_of_no_octets", "2000"), ("connack_of_one_octet", "200100"), ("connack_of_three_octets", "2003000000"),
        ("connack_with_reserved_header_flags", "21020000"), ("connack_with_long_remaining_length", "20808080800200"),
        ("publish_before_connack", "3004000174" "6d"), ("pingresp_before_connack", "d000"),
        ("puback_before_connack", "40020001"),
        ("pubrel_before_connack", "62020001"), ("suback_before_connack", "9003000100"), ("connect_back", "&"),
        ("http", "485454502f312e31")):
    case("%s_is_a_break_of_the_protocol" % name, broken, answer)


@test
def connack_octet_by_octet_connects():
    server = Server()
    client = server.connected("CONNECT=" + drip("20020000"))
    client.publish("t", "m", qos=1)
    same(len(server.log("PUBLISH")), 1)


@test
def what_comes_right_behind_connack_is_not_lost():
    server = Server()
    inbox = Inbox()
    client = server.connected("CONNECT=*" "3004" "000174" "6d" "3004" "000174" "6e", callback=inbox)
    while len(inbox.messages) < 2:
        client.wait_msg()
    same(inbox.messages, [(b"t", b"m"), (b"t", b"n")])


@test
def no_connack_times_out():
    server = Server()
    client = server.client("CONNECT=/")
    raises_errno(errno.ETIMEDOUT, client.connect, timeout=1)
    server.gone(1)
    usable(server, client, 2)


@test
def half_a_connack_times_out():
    for half in ("20", "2002", "200200"):
        server = Server()
        client = server.client("CONNECT=%s/" % half)
        raises_errno(errno.ETIMEDOUT, client.connect, timeout=1)
        server.gone(1)
        usable(server, client, 2)


@test
def a_connack_that_trickles_does_not_stretch_the_bound():
    # Octets keep coming, but the whole of it takes twice the time that connect() has.
    server = Server()
    client = server.client("CONNECT=20-%s02-00-00/" % ("-" * 200))
    raises_errno(errno.ETIMEDOUT, client.connect, timeout=1)


@test
def the_bound_is_there_without_timeout_too():
    raises_errno(errno.ETIMEDOUT, Server("mute").client("me").connect)


@test
def timeout_bounds_later_waits_too():
    server = Server()
    client = server.client("PUBLISH=;SUBSCRIBE=;UNSUBSCRIBE=")
    client.connect(timeout=1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    raises_errno(errno.ETIMEDOUT, client.subscribe, "t")
    raises_errno(errno.ETIMEDOUT, client.unsubscribe, "t")


@test
def a_port_where_nobody_listens_raises_oserror():
    client = Server("closed").client("me")
    raises(OSError, client.connect, timeout=5)
    raises_errno(errno.ENOTCONN, client.ping)


@test
def a_name_that_does_not_resolve_raises_oserror():
    client = MQTTClient("me", "nowhere.invalid", 1883)
    raises(OSError, client.connect, timeout=5)
    raises_errno(errno.ENOTCONN, client.ping)


@test
def a_connection_reset_at_once_raises_oserror():
    client = Server("reset").client("me")
    raises(OSError, client.connect, timeout=5)
    raises_errno(errno.ENOTCONN, client.ping)


@test
def reset_instead_of_connack_raises_econnreset():
    server = Server()
    client = server.client("CONNECT=~/")
    raises_errno(errno.ECONNRESET, client.connect, timeout=5)
    usable(server, client, 2)


@test
def end_of_stream_instead_of_connack_raises_econnreset():
    server = Server()
    client = server.client("CONNECT=!/")
    raises_errno(errno.ECONNRESET, client.connect, timeout=5)
    usable(server, client, 2)


@test
def end_of_stream_within_connack_raises_econnreset():
    for half in ("20", "2002", "200200"):
        server = Server()
        client = server.client("CONNECT=%s!/" % half)
        raises_errno(errno.ECONNRESET, client.connect, timeout=5)
        usable(server, client, 2)


@test
def a_second_connect_closes_the_first_connection_and_starts_anew():
    server = Server()
    client = server.connected("me")
    client.subscribe("t")
    client.connect()
    server.gone(1)
    client.publish("t", "m", qos=1)
    same([ended for octets, ended, name in server.connections()][1:], ["-"])
    same((server.hexes("CONNECT"), server.log("PUBLISH")[0].connection), ([CONNECT] * 2, 2))


@test
def half_a_packet_of_the_first_connection_does_not_reach_the_second():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3006" "0001")
    client.check_msg()
    client.connect()
    server.send("3004" "000174" "6d")
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])


@test
def a_second_connect_that_fails_leaves_no_connection():
    server = Server()
    client = server.connected("CONNECT=*/CONNECT=20020005/")
    same(raises(MQTTException, client.connect).args[0], 5)
    server.gone(1)
    server.gone(2)
    usable(server, client, 3)


@test
def connect_after_disconnect_works_many_times():
    server = Server()
    client = server.client("me")
    for _ in range(50):
        client.connect()
        client.publish("t", "m", qos=1)
        client.disconnect()
    same(len(server.log("PUBLISH")), 50)


@test
def one_client_object_may_change_between_clean_session_and_not():
    server = Server()
    client = server.client("me")
    for clean in (True, False, True):
        client.connect(clean)
    same([packet[18:20] for packet in server.hexes("CONNECT")], ["02", "00", "02"])


@test
def mosquitto_takes_the_right_password():
    client = broker_client("connect-1", target.BROKER_PASSWORD, user="user", password="secret")
    client.publish("t", "m", qos=1)
    client.disconnect()


@test
def mosquitto_refuses_a_wrong_password_with_5():
    for user, password in (("user", "wrong"), ("nobody", "secret"), (None, None)):
        client = MQTTClient("connect-2", target.HOST, target.BROKER_PASSWORD, user=user, password=password)
        same(raises(MQTTException, client.connect).args[0], 5)
        raises_errno(errno.ENOTCONN, client.ping)


run()
