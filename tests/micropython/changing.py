# needs: extras
# What CONNECT says can be changed between two connections: the will, user name and password.

import errno

import target
from check import test, same, raises, raises_errno, run
from host import Server, socket


def connects(server):
    return [packet.hex for packet in server.log("CONNECT", 200)]


@test
def a_will_can_be_taken_back():
    server = Server()
    client = server.client("me")
    client.set_last_will("t", "gone", True, 2)
    client.connect(timeout=5)
    client.set_last_will(None, None)
    client.connect(timeout=5)
    with_will, without = connects(server)
    same((with_will[18:20], without[18:20]), ("36", "02"))
    same(without, "100e" + "00044d515454" + "0402003c" + "00026d65")


@test
def user_and_password_can_be_changed():
    server = Server()
    client = server.client("me", user="u", password="old")
    client.connect(timeout=5)
    client.set_credentials("u", "new!")
    client.connect(timeout=5)
    client.set_credentials("v")
    client.connect(timeout=5)
    client.set_credentials(None)
    client.connect(timeout=5)
    fields = [octets[24:] for octets in connects(server)]
    same(fields, ["0002" "6d65" "0001" "75" "0003" "6f6c64", "0002" "6d65" "0001" "75" "0004" "6e657721",
                  "0002" "6d65" "0001" "76", "0002" "6d65"])


@test
def credentials_are_checked_as_those_of_a_new_client():
    client = Server().client("me", user="u", password="p")
    raises(ValueError, client.set_credentials, None, "p")
    raises(TypeError, client.set_credentials, 5)
    raises(ValueError, client.set_credentials, "u" * 65536)
    client.connect(timeout=5)


@test
def nothing_changes_in_the_middle_of_connect():
    server = Server()
    client = server.client("CONNECT=")
    sock = socket.socket()
    sock.connect(socket.getaddrinfo(target.HOST, server.port)[0][-1])
    sock.setblocking(False)
    client.start_connect(sock, True, 5)
    raises_errno(errno.EALREADY, client.set_last_will, "t", "m")
    raises_errno(errno.EALREADY, client.set_credentials, "u", "p")
    client.close()
    client.set_last_will("t", "m")


run()
