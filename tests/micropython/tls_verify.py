# needs: tls
# TLS: who is verified, against what, by which name; client certificates; the forms of ssl_params.

import errno
import json
import sys

from check import test, case, same, raises, raises_errno, skip, run
from host import Server, Inbox, manners
from porttls import load_ca, needs_context, needs_pem, needs_verification, tls, VERIFIES
from umqtt import MQTTClient, MQTTException

import target

# Quectel's later ussl.
KNOWS_CA = manners is not None and sys.implementation[1] >= (1, 20)

FAILURE = (OSError, ValueError)  # the port's own: Mbed TLS gives a ValueError with a text for a certificate, else an OSError


def client_of(server=None, port=None, ssl=True, **params):
    return MQTTClient("tls-1", server or target.NAME, port or target.BROKER_TLS, ssl=ssl, ssl_params=params)


def works(client):
    # There and back.
    inbox = Inbox()
    client.set_callback(inbox)
    client.connect(timeout=10)
    client.subscribe("tls/1", 1)
    client.publish("tls/1", "m", qos=1)
    if not inbox.messages:
        client.wait_msg()
    same(inbox.messages, [(b"tls/1", b"m")])
    client.disconnect()


def fails(client):
    raises(FAILURE, client.connect, timeout=10)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")


def taken(make, needs=None):
    if needs:
        needs()
    works(make())


def refused(make):
    needs_verification()
    fails(make())


PEM = target.CA_PEM.decode()
for name, make in (
        ("without_cadata_the_server_is_not_verified", lambda: client_of()),
        ("without_cadata_a_wrong_name_is_not_noticed", lambda: client_of(port=target.BROKER_TLS_WRONG_NAME)),
        ("an_address_works_without_cadata", lambda: client_of(target.HOST)),
        ("the_other_keywords_of_wrap_socket_are_taken", lambda: client_of(server_side=False, do_handshake=True)),
        ("none_in_ssl_params_is_as_if_not_there",
         lambda: client_of(key=None, cert=None, cadata=None, server_hostname=None)),
        ("a_client_certificate_works_without_cadata",
         lambda: client_of(port=target.BROKER_TLS_CLIENT, key=target.CLIENT_KEY, cert=target.CLIENT_CERT))):
    case(name, taken, make)

for name, make in (
        ("the_right_cadata_and_name_work", lambda: client_of(cadata=target.CA)),
        ("ca_means_cadata", lambda: client_of(ca=target.CA)),
        ("ca_certs_means_cadata", lambda: client_of(ca_certs=target.CA)),
        ("server_hostname_overrides_the_address", lambda: client_of(target.HOST, cadata=target.CA, server_hostname=target.NAME)),
        ("server_hostname_overrides_the_name",
         lambda: client_of(port=target.BROKER_TLS_WRONG_NAME, cadata=target.CA, server_hostname="elsewhere.test")),
        ("cert_none_accepts_a_wrong_ca", lambda: client_of(cadata=target.OTHER_CA, cert_reqs=tls.CERT_NONE)),
        ("cert_none_accepts_a_wrong_name",
         lambda: client_of(port=target.BROKER_TLS_WRONG_NAME, cadata=target.CA, cert_reqs=tls.CERT_NONE)),
        ("cert_required_with_the_right_ca_works", lambda: client_of(cadata=target.CA, cert_reqs=tls.CERT_REQUIRED)),
        ("a_handshake_put_off_works", lambda: client_of(cadata=target.CA, do_handshake=False)),
        ("a_client_certificate_is_shown",
         lambda: client_of(port=target.BROKER_TLS_CLIENT, cadata=target.CA, key=target.CLIENT_KEY, cert=target.CLIENT_CERT))):
    case(name, taken, make, needs_verification)

for name, make in (
        ("cadata_may_be_pem_bytes", lambda: client_of(cadata=target.CA_PEM)),
        ("cadata_may_be_a_pem_str", lambda: client_of(cadata=PEM)),
        ("a_client_certificate_may_be_pem",
         lambda: client_of(
             port=target.BROKER_TLS_CLIENT, cadata=target.CA_PEM, key=target.CLIENT_KEY_PEM, cert=target.CLIENT_CERT_PEM))):
    case(name, taken, make, needs_pem)

for name, make in (
        ("a_wrong_ca_fails", lambda: client_of(cadata=target.OTHER_CA)),
        ("a_wrong_ca_as_pem_in_json_fails", lambda: MQTTClient(
            "tls-1", target.NAME, target.BROKER_TLS, ssl=True, ssl_params=json.dumps({"cadata": target.CLIENT_CERT_PEM.decode()}))),
        ("a_wrong_name_fails", lambda: client_of(port=target.BROKER_TLS_WRONG_NAME, cadata=target.CA)),
        ("a_wrong_server_hostname_fails", lambda: client_of(cadata=target.CA, server_hostname="elsewhere.test")),
        ("an_address_is_no_name_of_the_certificate", lambda: client_of(target.HOST, cadata=target.CA)),
        ("cert_required_without_cadata_fails", lambda: client_of(cert_reqs=tls.CERT_REQUIRED)),
        ("without_a_client_certificate_a_server_that_asks_for_it_refuses",
         lambda: client_of(port=target.BROKER_TLS_CLIENT, cadata=target.CA)),
        ("a_client_certificate_of_a_stranger_is_refused",
         lambda: client_of(port=target.BROKER_TLS_CLIENT, cadata=target.CA, key=target.STRANGER_KEY, cert=target.STRANGER_CERT)),
        ("cadata_that_is_no_certificate_fails", lambda: client_of(cadata=b"no certificate")),
        ("tls_to_a_port_without_tls_fails", lambda: client_of(port=target.BROKER))):
    case(name, refused, make)


@test
def where_ussl_knows_ca_alone_that_is_what_verifies():
    if not KNOWS_CA:
        skip("not so here")
    client_of(cadata=target.CA).connect(timeout=10)
    client = client_of(cadata=target.STRANGER_CERT)
    raises(Exception, client.connect, timeout=10)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")


@test
def cadata_where_nobody_can_be_verified_is_a_typeerror_and_there_is_no_connection():
    if VERIFIES:
        skip("TLS verifies here")
    if KNOWS_CA:
        skip("ussl knows ca")
    client = client_of(cadata=target.CA)
    raises(TypeError, client.connect, timeout=10)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")


@test
def no_tls_to_a_port_with_tls_fails():
    raises((OSError, MQTTException), client_of(ssl=False).connect, timeout=5)


@test
def a_client_that_was_refused_is_usable_with_another_server():
    needs_verification()
    client = client_of(cadata=target.OTHER_CA)
    for _ in range(3):
        fails(client)
    works(client_of(cadata=target.CA))


@test
def ssl_params_may_be_a_dict_by_position():
    needs_verification()
    works(MQTTClient("tls-1", target.NAME, target.BROKER_TLS, None, None, 0, True, {"cadata": target.CA}))


@test
def ssl_params_may_be_json():
    needs_pem()
    works(MQTTClient("tls-1", target.NAME, target.BROKER_TLS, ssl=True, ssl_params=json.dumps({"cadata": PEM})))
    works(MQTTClient("tls-1", target.HOST, target.BROKER_TLS, ssl=True,
                     ssl_params=json.dumps({"ca": PEM, "server_hostname": target.NAME, "cert_reqs": tls.CERT_REQUIRED})))
    works(MQTTClient("tls-1", target.NAME, target.BROKER_TLS_CLIENT, ssl=True, ssl_params=json.dumps(
        {"cadata": PEM, "key": target.CLIENT_KEY_PEM.decode(), "cert": target.CLIENT_CERT_PEM.decode()})))


@test
def ssl_params_may_be_none_or_empty():
    for params in (None, {}, "{}"):
        works(MQTTClient("tls-1", target.NAME, target.BROKER_TLS, ssl=True, ssl_params=params))


@test
def the_dict_given_is_not_changed():
    needs_verification()
    params = {"ca": target.CA, "server_hostname": target.NAME}
    works(MQTTClient("tls-1", target.HOST, target.BROKER_TLS, ssl=True, ssl_params=params))
    same(params, {"ca": target.CA, "server_hostname": target.NAME})


def context(cadata, verify_mode):
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if cadata:
        load_ca(made, cadata)
    made.verify_mode = verify_mode
    return made


@test
def an_sslcontext_of_the_caller_is_used():
    needs_context()
    works(client_of(ssl=context(target.CA, tls.CERT_REQUIRED)))
    works(client_of(ssl=context(None, tls.CERT_NONE)))
    fails(client_of(ssl=context(target.OTHER_CA, tls.CERT_REQUIRED)))
    fails(client_of(port=target.BROKER_TLS_WRONG_NAME, ssl=context(target.CA, tls.CERT_REQUIRED)))


@test
def an_sslcontext_of_the_caller_goes_with_server_hostname():
    needs_context()
    works(client_of(target.HOST, ssl=context(target.CA, tls.CERT_REQUIRED), server_hostname=target.NAME))


@test
def an_sslcontext_of_the_caller_may_hold_a_client_certificate():
    needs_context()
    made = context(target.CA, tls.CERT_REQUIRED)
    made.load_cert_chain(target.CLIENT_CERT, target.CLIENT_KEY)
    works(client_of(port=target.BROKER_TLS_CLIENT, ssl=made))


@test
def one_sslcontext_serves_many_connections():
    needs_context()
    made = context(target.CA, tls.CERT_REQUIRED)
    for _ in range(3):
        works(client_of(ssl=made))


def server_name(host, **params):
    server = Server("tls")
    client = MQTTClient("me", host, server.port, ssl=True, ssl_params=params)
    client.connect(timeout=10)
    name = server.connections()[0][2]
    client.disconnect()
    return name


@test
def sni_names_the_server():
    same(server_name(target.NAME), target.NAME)
    if VERIFIES:
        same(server_name(target.NAME, cadata=target.CA), target.NAME)


@test
def sni_names_server_hostname_when_that_is_given():
    same(server_name(target.HOST, server_hostname=target.NAME), target.NAME)
    same(server_name(target.NAME, server_hostname="elsewhere.test"), "elsewhere.test")


@test
def an_unknown_key_is_a_typeerror_and_not_one_octet_is_sent():
    server = Server("tls")

    def make_and_connect(params):
        server.client("me", ssl=True, ssl_params=params).connect(timeout=5)

    for params in ({"cafile": "x"}, {"cadata": target.CA, "ciphers": 1}, json.dumps({"cafile": "x"})):
        raises(TypeError, make_and_connect, params)
    same(sum([octets for octets, ended, name in server.connections()]), 0)


run()
