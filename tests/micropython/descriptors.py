# No socket stays open: however connect() failed, however a connection ended.

import gc
import time

from check import test, case, same, run
from host import ON_BOARD, Server, ask, socket
from process import descriptors as in_use
from umqtt import MQTTClient

import target

MANY = 100


def descriptors():
    # How many are in use; on a board, which counts none, how many sockets less than many can be opened. There a finaliser
    # would close what was lost, so nothing is collected before.
    if not ON_BOARD:
        gc.collect()
        return in_use()
    opened = []
    try:
        while len(opened) < MANY:
            opened.append(socket.socket())
    except OSError:
        pass
    for one in opened:
        one.close()
    return MANY - len(opened)


def all_are_closed(before):
    # A board's connection lingers until the Server has ended it too; the limit of the test ends the wait.
    while ON_BOARD and descriptors() > before:
        time.sleep_ms(50)
    same(max(descriptors(), before), before)


def failing(make, timeout, rounds):
    client = make()

    def connect():
        try:
            client.connect(timeout=timeout)
            client.wait_msg()
        except Exception:
            pass

    connect()
    gc.collect()
    before = descriptors()
    gc.disable()
    try:
        for _ in range(rounds):
            connect()
        all_are_closed(before)
    finally:
        gc.enable()


for name, rounds, make in (
        ("nobody_listens", 20, lambda: Server("closed").client("me")),
        ("the_name_does_not_resolve", 3, lambda: MQTTClient("me", "nowhere.invalid", 1883)),
        ("the_server_resets_at_once", 20, lambda: Server("reset").client("me")),
        ("the_server_refuses", 20, lambda: Server().client("CONNECT=20020005")),
        ("the_server_resets", 20, lambda: Server().client("CONNECT=~")),
        ("the_stream_ends", 20, lambda: Server().client("CONNECT=!")),
        ("connack_is_malformed", 20, lambda: Server().client("CONNECT=20020200")),
        ("connack_does_not_come", 2, lambda: Server().client("CONNECT=")),
        ("the_connection_is_reset_later", 20, lambda: Server().client("CONNECT=*~")),
        ("the_stream_ends_later", 20, lambda: Server().client("CONNECT=*!")),
        ("the_protocol_is_broken_later", 20, lambda: Server().client("CONNECT=*f000")),
        ("the_tls_handshake_meets_silence", 2, lambda: Server("mute").client("me", ssl=True)),
        ("the_tls_handshake_meets_something_else", 10, lambda: Server("garbage").client("me", ssl=True)),
        ("the_tls_handshake_meets_the_end", 10, lambda: Server("close").client("me", ssl=True)),
        ("the_tls_handshake_is_reset", 10, lambda: Server("reset").client("me", ssl=True)),
        ("the_ca_is_wrong", 10, lambda: Server("tls").client("me", ssl=True, ssl_params={"cadata": target.OTHER_CA})),
        ("the_stream_under_tls_ends", 10, lambda: Server("tls").client("CONNECT=*!", ssl=True)),
        ("the_stream_under_tls_is_reset", 10, lambda: Server("tls").client("CONNECT=*~", ssl=True)),
        ("the_server_under_tls_refuses", 10, lambda: Server("tls").client("CONNECT=20020005", ssl=True))):
    case("no_descriptor_is_lost_when_%s" % name, failing, make, 1, rounds)


@test
def no_descriptor_is_lost_by_connecting_without_disconnecting():
    client = Server().client("me")
    client.connect()
    before = descriptors()
    for _ in range(20):
        client.connect()
    all_are_closed(before)


run()
