"""Messages over a pair of pipes: each one is its length in eight bytes, then msgpack."""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from typing import BinaryIO

Incoming = TypeVar("Incoming")

_LENGTH = struct.Struct("<Q")
# The largest message is a propagation request: 2,000 key slices of 4096 x 4096 bits are 4 GB, of 512 x 512 64 MB.
_LONGEST = 1 << 32


class ChannelError(Exception):
    """What came, or is to go, is no message."""


class MessageWriter:
    """Writes messages to a stream; several threads may.

    :param stream: unbuffered.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._encoder = msgspec.msgpack.Encoder()
        self._lock = threading.Lock()

    def send(self, message: msgspec.Struct) -> None:
        """Write one message; blocks while the pipe is full.

        :raises OSError: the other side is gone.
        :raises ChannelError: a member is not of the type that the message says; nothing was written.
        """
        try:
            body = self._encoder.encode(message)
        except (TypeError, ValueError, OverflowError) as error:
            raise ChannelError(f"{type(message).__name__} cannot be sent: {error}") from error
        with self._lock:
            _write_all(self._stream, _LENGTH.pack(len(body)))
            _write_all(self._stream, body)


class MessageReader(Generic[Incoming]):
    """Reads messages of one union of types from a stream; for one thread.

    :param kinds: the types that may come.
    """

    def __init__(self, stream: BinaryIO, kinds: Any) -> None:
        self._stream = stream
        self._decoder: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(kinds)

    def receive(self) -> Incoming | None:
        """The next message; None when the other side has closed its end.

        :raises ChannelError: what came is none of the expected types, or ends within a message.
        """
        header = self._read(_LENGTH.size)
        if not header:
            return None
        if len(header) < _LENGTH.size:
            raise ChannelError("it ended within a message")
        (length,) = _LENGTH.unpack(header)
        if length > _LONGEST:
            raise ChannelError(f"a message of {length} bytes was announced")
        body = self._read(length)
        if len(body) < length:
            raise ChannelError("it ended within a message")
        try:
            return self._decoder.decode(body)
        except msgspec.DecodeError as error:  # ValidationError is one
            raise ChannelError(str(error)) from error

    def _read(self, length: int) -> bytearray:
        # Grows with what really comes: an announced length alone allocates nothing.
        parts = bytearray()
        while len(parts) < length:
            part = self._stream.read(min(length - len(parts), 1 << 20))
            if not part:
                break
            parts += part
        return parts


def _write_all(stream: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
