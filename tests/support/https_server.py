"""A small HTTPS server on this machine, with a certificate by a CA of its own, as a site's own mirror has."""

from __future__ import annotations

import contextlib
import functools
import http.server
import ssl
import threading
from pathlib import Path
from typing import Iterator, NamedTuple

from lab.network import HOST
from switchroom.core import process

_KEY = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]


class Server(NamedTuple):
    """Where it answers, and the certificate to trust for that."""

    url: str
    authority: Path


@contextlib.contextmanager
def serving(folder: Path, keys: Path) -> Iterator[Server]:
    """Serve a folder to the lab's boxes and to this machine until the block ends; ``keys`` gets the keys."""
    certificate = _certificate(keys)
    handler = functools.partial(_Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, keys / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Server(f"https://{HOST}:{server.server_port}", keys / "ca.crt")
    finally:
        server.shutdown()
        server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    timeout = 30  # a client that went away does not keep a thread

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's own name
        """Keep quiet."""


def _certificate(keys: Path) -> Path:
    ca, request, certificate = keys / "ca.crt", keys / "server.csr", keys / "server.crt"
    own = ["-keyout", keys / "ca.key", "-out", ca, "-subj", "/CN=Lab CA"]
    process.run(["openssl", "req", "-x509", *_KEY, *own])
    asked = ["-keyout", keys / "server.key", "-out", request, "-subj", f"/CN={HOST}"]
    process.run(["openssl", "req", *_KEY, *asked])
    extensions = keys / "extensions"
    extensions.write_text(f"subjectAltName=IP:{HOST}\nextendedKeyUsage=serverAuth\n")
    signer = ["-CA", ca, "-CAkey", keys / "ca.key", "-CAcreateserial", "-extfile", extensions]
    process.run(["openssl", "x509", "-req", "-in", request, "-out", certificate, "-days", "2", *signer])
    return certificate
