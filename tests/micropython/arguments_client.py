# The arguments of MQTTClient(): what is taken, as the Server sees it in CONNECT, and what is refused before an octet is sent.

from array import array

from check import test, case, same, raises, run
from host import Server, hexed, needing, needs
from umqtt import MQTTClient

import target

START = "00044d515454" "04"


def connect_packet(client_id, server, **keywords):
    # The CONNECT that these arguments give: its first octets, and its length.
    client = MQTTClient(client_id, target.HOST, server.port, **keywords)
    client.connect()
    packet = server.log("CONNECT", 64)[0]
    client.disconnect()
    return packet.hex, packet.length


def same_connect(packet, wanted):
    same(packet, (wanted, len(wanted) // 2))


def refused(exception, *arguments, **keywords):
    # Refused by the constructor, or at the latest by connect(); either way not one octet was sent.
    server = Server("tls" if keywords.get("ssl") else "plain")
    arguments = list(arguments) or ["me"]
    if len(arguments) == 1:
        arguments.append(target.HOST)
    if len(arguments) == 2 and "port" not in keywords:
        keywords["port"] = server.port

    def make_and_connect():
        MQTTClient(*arguments, **keywords).connect(timeout=5)

    raises(exception, make_and_connect)
    for octets, ended, name in server.connections():
        same(octets, 0)


def client_id_is_taken(value):
    same_connect(connect_packet(value, Server()), "100e" + START + "02" "003c" "0002" "6d65")


for kind, value in (("str", "me"), ("bytes", b"me"), ("bytearray", bytearray(b"me")), ("memoryview", memoryview(b"me")),
                    ("array", array("B", b"me"))):
    case("client_id_may_be_%s" % kind, client_id_is_taken, value)


@test
def client_id_may_have_65535_octets():
    octets, length = connect_packet("x" * 65535, Server())
    same((octets[:32], length), ("108b8004" + START + "02" "003c" "ffff", 4 + 10 + 2 + 65535))


@test
def client_id_is_counted_in_octets_not_characters():
    octets, length = connect_packet("中" * 21845, Server())
    same((octets[:38], length), ("108b8004" + START + "02" "003c" "ffff" "e4b8ad", 4 + 10 + 2 + 65535))
    refused(ValueError, "中" * 21846)


@test
def client_id_may_be_empty_with_clean_session():
    same_connect(connect_packet("", Server()), "100c" + START + "02" "003c" "0000")


for name, value in (("over_65535_octets", "x" * 65536), ("over_65535_octets_as_bytes", bytes(65536))):
    case("client_id_%s_is_refused" % name, refused, ValueError, value)


@test
def empty_client_id_without_clean_session_is_refused():
    for empty in ("", b"", bytearray()):
        server = Server()
        raises(ValueError, server.client(empty).connect, False)
        raises(ValueError, server.client(empty).connect, clean_session=False)
        same(sum([octets for octets, ended, name in server.connections()]), 0)


@test
def client_id_of_another_type_is_refused():
    for value in (5, None, 1.5, ["me"]):
        refused(TypeError, value)


@test
def server_may_be_an_address():
    server = Server()
    MQTTClient("me", target.HOST, server.port).connect()
    same(len(server.log("CONNECT")), 1)


@test
def server_may_be_a_host_name():
    needs("names")
    server = Server()
    MQTTClient("me", target.NAME, server.port).connect()
    same(len(server.log("CONNECT")), 1)


@test
def server_may_be_given_by_keyword():
    needs("names")
    server = Server()
    MQTTClient(client_id="me", server=target.NAME, port=server.port).connect()
    same(len(server.log("CONNECT")), 1)


@test
def empty_server_is_refused():
    raises(ValueError, lambda: MQTTClient("me", "", 1883).connect())
    raises(ValueError, lambda: MQTTClient("me", server="", port=1883).connect())


@test
def server_of_another_type_is_refused():
    for value in (5, None, 1.5):
        raises(TypeError, lambda: MQTTClient("me", value, 1883).connect())


@test
def port_may_be_an_int():
    server = Server()
    MQTTClient("me", target.HOST, server.port).connect()
    MQTTClient("me", target.HOST, port=server.port).connect()
    same(len(server.log("CONNECT")), 2)


@test
def port_may_be_a_str_of_digits():
    server = Server()
    MQTTClient("me", target.HOST, str(server.port)).connect()
    MQTTClient("me", target.HOST, port=str(server.port)).connect()
    same(len(server.log("CONNECT")), 2)


for value in (-1, 65536, 1 << 16 | 1883, 1 << 32 | 1883, 1 << 70, "", "x", "-1", "65536", "18830 ", " 18830",
              "1e3", "0x75b", "18.83", "1_883", "+1883", "99999999999999999999999", "18830\0", "１８８３", None, 1883.0, b"1883", [1883]):
    case("port_%s_is_refused" % repr(value).replace(" ", "_"), refused, ValueError, "me", target.HOST, value)


@test
def port_by_keyword_is_refused_too():
    for value in (-1, 65536, "x"):
        refused(ValueError, "me", port=value)


def credentials(wanted, user, password):
    same_connect(connect_packet("me", Server(), user=user, password=password), wanted)


USER = "1011" + START + "82" "003c" "00026d65" "000175"
BOTH = "1014" + START + "c2" "003c" "00026d65" "000175" "000170"
for name, wanted, user, password in (
        ("user_and_password_may_be_none", "100e" + START + "02" "003c" "00026d65", None, None),
        ("user_may_come_without_password", USER, "u", None),
        ("user_and_password_may_be_str", BOTH, "u", "p"),
        ("user_and_password_may_be_bytes", BOTH, b"u", b"p"),
        ("user_and_password_may_be_bytearray", BOTH, bytearray(b"u"), bytearray(b"p")),
        ("user_and_password_may_be_memoryview", BOTH, memoryview(b"u"), memoryview(b"p")),
        ("password_may_be_any_octets", "1014" + START + "c2" "003c" "00026d65" "000175" "0001ff",
         "u", b"\xff"),
        ("user_and_password_may_be_empty", "1012" + START + "c2" "003c" "00026d65" "0000" "0000", "", ""),
        ("user_and_password_count_in_octets", "1018" + START + "c2" "003c" "00026d65" "0003e4b8ad" "0003e69687",
         "中", "文")):
    case(name, credentials, wanted, user, password)


@test
def a_password_without_a_user_is_refused():
    # [MQTT-3.1.2-22]
    refused(ValueError, password="p")
    refused(ValueError, password=b"")
    refused(ValueError, user=None, password="p")
    refused(ValueError, "me", target.HOST, 1883, None, "p")


@test
def user_and_password_have_at_most_65535_octets():
    server = Server()
    octets, length = connect_packet("me", server, user="u" * 65535, password="p" * 65535)
    same((octets[:44], length), ("10908008" + START + "c2" "003c" "00026d65" "ffff" "7575", 4 + 10 + 4 + 2 * 65537))
    refused(ValueError, user="u" * 65536)
    refused(ValueError, user="u", password="p" * 65536)


@test
def user_and_password_of_another_type_are_refused():
    for value in (5, 1.5, ["u"]):
        refused(TypeError, user=value)
        refused(TypeError, user="u", password=value)


def keep_alive(value, wanted):
    same_connect(connect_packet("me", Server(), keepalive=value), "100e" + START + "02" + wanted + "00026d65")


for value, wanted in ((0, "003c"), (1, "0001"), (60, "003c"), (120, "0078"), (65535, "ffff"), (None, "0000")):
    case("keepalive_%s_is_sent_as_%s" % (value, wanted), keep_alive, value, wanted)

for value in (-1, 65536, 1 << 16 | 60, 1 << 32 | 60, -(1 << 32), 1 << 70):
    case("keepalive_%s_is_refused" % value, refused, ValueError, "me", target.HOST, 1883, None, None, value)


@test
def keepalive_by_keyword_is_refused_too():
    for value in (-1, 65536):
        refused(ValueError, keepalive=value)


@test
def keepalive_of_another_type_is_refused():
    for value in ("60", 60.5, [60]):
        refused((TypeError, ValueError), keepalive=value)


for value in ({"colour": 1}, {"cadata": None, "colour": 1}, '{"colour": 1}', 5, 1.5, [], ("key",), b"{}", True, "[]", "5"):
    refusal = needing("json", refused) if isinstance(value, str) else refused
    case("ssl_params_%s_is_refused" % repr(value).replace(" ", "_"), refusal, TypeError, "me", target.HOST, 8883, None, None, 0,
         True, value)


@test
def ssl_params_by_keyword_are_refused_too():
    refused(TypeError, ssl=True, ssl_params={"colour": 1})
    refused(TypeError, ssl=True, ssl_params=5)


@test
def ssl_params_that_are_no_json_are_refused():
    needs("json")
    for value in ("x", '{"cadata": tru}'):
        refused((TypeError, ValueError), ssl=True, ssl_params=value)


@test
def ssl_params_may_be_none_empty_or_json_without_ssl():
    needs("json")
    for value in (None, {}, "{}"):
        server = Server()
        server.client("me", ssl=False, ssl_params=value).connect()
        same(len(server.log("CONNECT")), 1)


run()
