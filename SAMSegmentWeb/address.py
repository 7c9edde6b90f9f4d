"""Where the server listens, and who may reach it there."""

from __future__ import annotations

import ipaddress
import socket

from SAMSegmentLib.errors import InputError

_HIGHEST_PORT = 65535


def check_address(host: str, port: int, *, allow_remote: bool) -> None:
    """Refuse an address that other machines could reach, unless the user has said that they may.

    :param port: 0 lets the system choose a free one.
    :raises InputError: the host is unknown or not of this machine, the port is taken or forbidden, or other machines
        could reach it without ``allow_remote``.
    """
    if not 0 <= port <= _HIGHEST_PORT:
        raise InputError(f"--port {port}: ports are numbered 0 to {_HIGHEST_PORT}; 0 takes a free one.")
    addresses = _addresses(host, port)
    if not allow_remote and not all(_is_loopback(address) for _, address in addresses):
        raise InputError(
            f"--host {host}: other machines could reach the viewer there, over a connection that is not encrypted; "
            "add --allow-remote if that is meant, or use an SSH tunnel to 127.0.0.1 instead."
        )
    for family, address in addresses:
        _check_free(family, address, host, port)


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host}: there is no such address ({error}); 127.0.0.1 is this machine.") from error
    return [(family, str(place[0])) for family, _, _, _, place in found]


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _check_free(family: socket.AddressFamily, address: str, host: str, port: int) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise InputError(
                f"--host {host} --port {port}: the viewer cannot listen there ({error.strerror}); "
                "leave out --port for a free one."
            ) from error
