# Module ssl as MicroPython's scripts know it, over module tls: SSLContext that takes files too, and wrap_socket.
import tls
from tls import *


class SSLContext:
    def __init__(self, protocol):
        self._context = tls.SSLContext(protocol)

    # Attributes of an object that is written in C cannot be inherited.
    @property
    def verify_mode(self):
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._context.verify_mode = mode

    @property
    def verify_callback(self):
        return self._context.verify_callback

    @verify_callback.setter
    def verify_callback(self, callback):
        self._context.verify_callback = callback

    def load_cert_chain(self, certfile, keyfile):
        self._context.load_cert_chain(_octets(certfile), _octets(keyfile))

    def load_verify_locations(self, cafile=None, cadata=None):
        self._context.load_verify_locations(_octets(cafile) if cadata is None else cadata)

    def get_ciphers(self):
        return self._context.get_ciphers()

    def set_ciphers(self, ciphers):
        self._context.set_ciphers(ciphers)

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        return self._context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            server_hostname=server_hostname,
        )


# A str is the name of a file, unless it is PEM already; bytes are what would be in the file.
def _octets(what):
    if not isinstance(what, str) or "-----BEGIN " in what:
        return what
    with open(what, "rb") as file:
        return file.read()


def wrap_socket(
    sock,
    server_side=False,
    key=None,
    cert=None,
    cert_reqs=CERT_NONE,
    cadata=None,
    server_hostname=None,
    do_handshake=True,
):
    context = SSLContext(PROTOCOL_TLS_SERVER if server_side else PROTOCOL_TLS_CLIENT)
    context.verify_mode = cert_reqs
    if cert is not None or key is not None:
        context.load_cert_chain(cert, key)
    if cadata is not None:
        context.load_verify_locations(cadata=cadata)
    return context.wrap_socket(sock, server_side, do_handshake, server_hostname)
