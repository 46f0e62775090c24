"""Listening, for a person who started a command."""

import socket
from collections.abc import Sequence

from endorse.server.run import listen


def listen_or_say(hosts: Sequence[str], port: int, setting: str) -> list[socket.socket]:
    """Listen as `listen` does. Raises ValueError, which names the setting that chooses a port."""
    try:
        return listen(hosts, port)
    except OSError as error:
        raise ValueError(f"{error.strerror}. Choose another port with {setting}.") from error
