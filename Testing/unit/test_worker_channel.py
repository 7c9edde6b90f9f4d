"""Messages over a pipe: what arrives is what was sent, and anything else is refused."""

import os
import struct
import threading

import msgspec
import numpy as np
import pytest

from SAMSegmentLib.worker.channel import ChannelError, MessageReader, MessageWriter
from SAMSegmentLib.worker.messages import Cancel, Done, Focus, Log, OpenVolume, Predict, ToHost, ToWorker


@pytest.fixture
def pipe():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as reading, os.fdopen(write_end, "wb", buffering=0) as writing:
        yield reading, writing


def framed(body: bytes) -> bytes:
    return struct.pack("<Q", len(body)) + body


def test_messages_arrive_as_they_were_sent_and_then_the_end(pipe):
    reading, writing = pipe
    sent = [
        Predict(id=7, orientation="axial", index=3, points=[((-1, 2, 3), True)], boxes=[], slot="drag"),
        OpenVolume("/a", "<i2", (1, 2, 3), [0.0] * 16, inverted=True, window=(40.0, 400.0)),
        Cancel(7),
    ]
    writer = MessageWriter(writing)
    for message in sent:
        writer.send(message)
    writing.close()
    reader = MessageReader(reading, ToWorker)
    assert [reader.receive() for _ in range(4)] == [*sent, None]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Segmentation fault (core dumped)\n", "was announced"),
        (b"abc", "ended within"),
        (framed(b"x" * 20)[:-1], "ended within"),
        (struct.pack("<Q", 1 << 40), "1099511627776 bytes was announced"),
        (framed(b""), "."),
        (framed(b"\xc1\xff\x00"), "."),
        (
            framed(
                msgspec.msgpack.encode({"type": "EmbedAll", "id": 1, "orientation": "axial", "first": -1, "last": 1})
            ),
            "first",
        ),
        (framed(msgspec.msgpack.encode({"type": "Focus", "orientation": 5, "index": 1})), "orientation"),
        (framed(msgspec.msgpack.encode({"type": "os.system", "text": "true"})), "os.system"),
        (framed(msgspec.msgpack.encode(Done(1))), "Done"),  # a message, but for the host
        (framed(msgspec.msgpack.encode([1, 2])), "."),
    ],
)
def test_what_is_no_message_is_refused(pipe, data, reason):
    reading, writing = pipe
    writing.write(data)
    writing.close()
    with pytest.raises(ChannelError, match=reason):
        MessageReader(reading, ToWorker).receive()


def test_a_long_message_that_never_comes_takes_no_memory(pipe):
    reading, writing = pipe
    writing.write(struct.pack("<Q", 1 << 32) + b"x" * 100)
    writing.close()
    reader = MessageReader(reading, ToWorker)
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(ChannelError, match="ended within"):
        reader.receive()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_several_writers_do_not_mix_their_messages(pipe):
    reading, writing = pipe
    writer = MessageWriter(writing)
    # Longer than a pipe holds, so that a writer is interrupted within its message.
    texts = [str(number) * 50_000 for number in range(8)]

    def send(text):
        for _ in range(5):
            writer.send(Log(20, text))

    threads = [threading.Thread(target=send, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    reader = MessageReader(reading, ToHost)
    received = [reader.receive().text for _ in range(5 * len(texts))]
    for thread in threads:
        thread.join()
    assert sorted(received) == sorted(texts * 5)


def test_a_message_that_cannot_be_written_is_refused_and_the_next_one_goes_through(pipe):
    reading, writing = pipe
    writer = MessageWriter(writing)
    with pytest.raises(ChannelError, match="Focus cannot be sent"):
        writer.send(Focus("axial", np.int64(3)))
    writer.send(Cancel(1))
    assert MessageReader(reading, ToWorker).receive() == Cancel(1)


def test_a_writer_whose_reader_is_gone_says_so(pipe):
    reading, writing = pipe
    reading.close()
    with pytest.raises(OSError, match="pipe"):
        MessageWriter(writing).send(Cancel(1))
