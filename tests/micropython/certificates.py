"""Makes the certification authorities, certificates and keys of one test run with openssl, in a temporary folder."""

import subprocess
from pathlib import Path


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("openssl %s: %s" % (arguments[0], done.stderr))


class Authority:
    """A certification authority that signs server and client certificates."""

    def __init__(self, folder, name):
        self.folder, self.name = Path(folder), name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                "-subj", "/CN=%s" % name, "-keyout", self.path(name, "key"), "-out", self.path(name, "crt"),
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.certificate = self.path(name, "crt")

    def path(self, name, kind):
        return self.folder / ("%s.%s" % (name, kind))

    def sign(self, name, *names, days=30):
        """Makes name.key and name.crt; with names, a server certificate for these host names."""
        extensions = self.path(name, "ext")
        # The key identifiers tell a Client which authority signed, which matters when it holds more than one.
        lines = ["basicConstraints=CA:FALSE", "authorityKeyIdentifier=keyid"]
        if names:
            lines.append("subjectAltName=" + ",".join("DNS:" + host for host in names))
        extensions.write_text("\n".join(lines) + "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", "/CN=%s" % (names[0] if names else name),
                "-keyout", self.path(name, "key"), "-out", self.path(name, "csr"))
        openssl("x509", "-req", "-in", self.path(name, "csr"), "-CA", self.certificate, "-CAkey", self.path(self.name, "key"),
                "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", self.path(name, "crt"))
        return self.path(name, "crt"), self.path(name, "key")


def der(path):
    """A certificate or key as DER, which every TLS of every port reads."""
    kind = "x509" if path.suffix == ".crt" else "pkey"
    binary = path.with_suffix(path.suffix + ".der")
    openssl(kind, "-in", path, "-outform", "DER", "-out", binary)
    return binary.read_bytes()
