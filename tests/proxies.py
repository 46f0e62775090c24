"""nginx and HAProxy as the guides configure them, before servers of a test."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_der_x509_certificate

from tests import certificates, parts

GUIDES = Path(__file__).parents[1] / "docs"


def block(guide: str, language: str) -> str:
    """The first code block of this language in a guide."""
    text = (GUIDES / guide).read_text("utf-8")
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def pem(folder: Path, name: str, subject: str, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a self-signed certificate and its key as `name`.pem and `name`.key."""
    der = certificates.certificate(key=key, subject=subject)
    kept = load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    (folder / f"{name}.pem").write_bytes(kept)
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


@contextmanager
def nginx(folder: Path, http: str) -> Iterator[None]:
    """Run nginx with this `http` part."""
    program, module = parts.nginx()
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"load_module {module};\nuser root;\ndaemon off;\nmaster_process off;\n"
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{http}}}\n"
    )
    command = [str(program), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        running.terminate()
        _, told = running.communicate(timeout=20)
        assert running.returncode == 0, told.decode()


@contextmanager
def haproxy(folder: Path, configuration: str) -> Iterator[None]:
    """Run HAProxy with this configuration."""
    (folder / "haproxy.cfg").write_text(configuration)
    command = [str(parts.haproxy()), "-db", "-f", str(folder / "haproxy.cfg")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        running.terminate()
        told, _ = running.communicate(timeout=20)
        assert running.returncode in (-15, 143), told.decode()
