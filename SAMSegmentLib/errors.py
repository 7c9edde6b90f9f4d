"""Errors a user can act on: one sentence that names the file (or option) and the cure."""


class SAMSegmentError(Exception):
    """Base of all errors that are shown to a user as one sentence.

    ``exit_code`` is what the command line returns for it.
    """

    exit_code = 1


class InputError(SAMSegmentError):
    """The input cannot be used as it is: wrong usage, or an unreadable or unsuitable file."""

    exit_code = 2


class OutputError(SAMSegmentError):
    """The result cannot be written where, or in the form, that was asked for."""

    exit_code = 2


class ModelUnavailableError(SAMSegmentError):
    """A model or its weights are not here, damaged, or of another architecture."""

    exit_code = 3


class EngineError(SAMSegmentError):
    """The engine (later: the worker process) failed while it computed."""

    exit_code = 4


class StoppedError(SAMSegmentError):
    """The user stopped the work (Ctrl+C); the sentence says what was kept and how to go on."""

    exit_code = 130  # 128 + SIGINT, as shells count
