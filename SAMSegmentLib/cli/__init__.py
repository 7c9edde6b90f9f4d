"""The ``samsegment`` command.

Exit codes: 0 done, 2 wrong usage or unusable input, 3 model or weights unavailable, 4 the engine failed.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, NoReturn

from ..errors import SAMSegmentError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_UNUSABLE = 2


def main() -> NoReturn:
    """Run the command with the process's arguments, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Whatever a user can cause ends as one sentence on stderr."""
    try:
        return _run(arguments)
    except SAMSegmentError as error:
        return _refuse(str(error), error.exit_code)
    except MemoryError:
        return _refuse("There is not enough memory for this; close other programs, or crop the volume.", _UNUSABLE)
    except KeyboardInterrupt:
        return _refuse("Stopped; nothing was written.", _INTERRUPTED)
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "tqdm"):
            raise
        return _refuse("The command line needs its extra packages; install 'samsegment[cli]'.", _UNUSABLE)


def _run(arguments: Sequence[str]) -> int:
    # Imported here, so that Ctrl+C and a missing package are answered while they are imported, too.
    from typer.exceptions import Abort, TyperException

    from .app import app

    try:
        result = app(args=list(arguments), prog_name="samsegment", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "samsegment"
        sentence = error.format_message().replace("Value error, ", "")  # typer's validator speaks of itself
        return _refuse(f"{sentence} ('{command} --help' shows the usage.)", _UNUSABLE)
    except Abort:
        raise KeyboardInterrupt from None
    if result == _INTERRUPTED:  # typer's own answer to Ctrl+C, without a word
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _refuse(sentence: str, exit_code: int) -> int:
    one_line = " ".join(sentence.split())
    print(f"samsegment: {one_line}", file=sys.stderr)  # noqa: T201 - this is the command's voice
    return exit_code
