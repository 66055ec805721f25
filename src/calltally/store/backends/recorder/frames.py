"""What goes between a service and the process that records for it: frames of MessagePack, either way.

The parent sends questions, each of the facts of one submission, and is answered by their numbers. The first
frame back is an empty one: the process is ready.
"""

import signal
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from calltally.calls.events import Fact
from calltally.store.db.fact_codec import PackedFact, packed
from calltally.store.db.interface import Recorded, Submission

_LENGTH: Final = struct.Struct(">I")
# What callbacks have. Of more the process makes it, as pages would wait meanwhile.
_FEW_FACTS: Final = 8
# Signals for the service: what is sent to its whole group must not end a process that has facts of it.
NOT_OURS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Its number, and of each fact the tenant, itself, whether it is announced, and what was made of it.
Question: TypeAlias = tuple[int, list[tuple[str, Fact, bool, PackedFact | None]]]
# The number of a question, and what became of its facts; None where they could not be recorded there.
Answer: TypeAlias = tuple[int, list[Recorded] | None]

_encoder: Final = msgspec.msgpack.Encoder()
_questions: Final = msgspec.msgpack.Decoder(list[Question])
_answers: Final = msgspec.msgpack.Decoder(list[Answer])


def frame(content: Sequence[tuple[int, Sequence[Submission]]] | Sequence[Answer]) -> bytes:
    """Questions or answers, as they are sent."""
    body = _encoder.encode(content)
    return _LENGTH.pack(len(body)) + body


def asking(asked: Sequence[tuple[int, Sequence[Submission]]]) -> bytes:
    """A frame of questions. What can be made of a few facts before is made by whoever asks, who has time."""
    return frame([(number, _made_ready(submissions)) for number, submissions in asked])


def _made_ready(submissions: Sequence[Submission]) -> Sequence[Submission]:
    if len(submissions) > _FEW_FACTS:
        return submissions
    return [each._replace(packed=packed(each.fact, each.fact.key)) for each in submissions]


def read_questions(body: bytes) -> Iterator[tuple[int, list[Submission]]]:
    """The questions of a frame."""
    for number, facts in _questions.decode(body):
        yield number, [Submission(*each) for each in facts]


def read_answers(body: bytes) -> list[Answer]:
    """The answers of a frame."""
    return _answers.decode(body)


class Frames:
    """Cuts what comes in, in pieces of any size, into the bodies of whole frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are whole with `data`."""
        held = self._held
        held += data
        at = 0
        while len(held) >= at + _LENGTH.size:
            [length] = _LENGTH.unpack_from(held, at)
            begin = at + _LENGTH.size
            if len(held) < begin + length:
                break
            at = begin + length
            yield bytes(held[begin:at])
        del held[:at]


def hello() -> bytes:
    """What the process says first."""
    nothing: list[Any] = []
    return frame(nothing)
