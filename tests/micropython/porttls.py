# What the TLS of this port has. Before 1.20 it verifies nobody, before 1.21 there is no SSLContext; PEM is a choice of the build.

import check
import target
from host import WITHOUT

try:
    import tls
except ImportError:
    try:
        import ussl as tls
    except ImportError:
        if "tls" in WITHOUT:
            tls = None
        else:
            import ssl as tls


def load_ca(context, cadata):
    try:
        context.load_verify_locations(cadata)
    except OSError:
        # Up to 1.22 the name of a file stands there.
        context.load_verify_locations(cadata=cadata)


def reads_pem():
    try:
        load_ca(tls.SSLContext(tls.PROTOCOL_TLS_CLIENT), target.CA_PEM)
    except (OSError, ValueError):
        return False
    return True


VERIFIES = hasattr(tls, "CERT_REQUIRED")
HAS_CONTEXT = hasattr(tls, "SSLContext")
READS_PEM = HAS_CONTEXT and reads_pem()


def needs_verification():
    if not VERIFIES:
        check.skip("TLS verifies nobody here")


def needs_context():
    if not HAS_CONTEXT:
        check.skip("there is no SSLContext")


def needs_pem():
    needs_verification()
    if not READS_PEM:
        check.skip("TLS reads no PEM here")
