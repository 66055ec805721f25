"""Throwaway certificate authority, and a certificate for localhost."""

import ssl
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

_DAYS: Final = "2"


class Certificates(NamedTuple):
    """Files of the authority and of the certificate that it signed."""

    authority: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


def make_certificates(folder: Path) -> Certificates:
    """Make both in `folder`; nobody else ever trusts them."""
    made = Certificates(folder / "ca.pem", folder / "localhost.pem", folder / "localhost.key")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", _DAYS)
    authority = (
        "-x509",
        "-subj",
        "/CN=Throwaway",
        "-keyout",
        str(folder / "ca.key"),
        "-out",
        str(made.authority),
    )
    _openssl("req", *new_key, *authority)
    signed = ("-x509", "-CA", str(made.authority), "-CAkey", str(folder / "ca.key"), "-subj", "/CN=localhost")
    names = ("-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:false")
    _openssl("req", *new_key, *signed, *names, "-keyout", str(made.key), "-out", str(made.certificate))
    return made


def _openssl(*arguments: str) -> None:
    command = ["openssl", *arguments]
    subprocess.run(command, check=True, capture_output=True)
