"""Errors that the user can fix, by kind, so that a program can tell them apart.

    GanvasError
        NotFound            a missing name, file, run or checkpoint
            NotInstalled    a missing package of one of the extras
        DoesNotFit          a setting out of its range, or two things that do not go together
        Unreadable          a file that is damaged or holds something else
        Unwritable          a full disk, a folder without write permission
        Unreachable         an address that does not serve the expected file, a process that is gone
        Busy                a folder in which another process is training
        Diverged            a training whose numbers became NaN or infinite

and a warning, PassedOver, when an older checkpoint is used in place of a damaged one.
"""

__all__ = [
    "Busy",
    "Diverged",
    "DoesNotFit",
    "GanvasError",
    "NotFound",
    "NotInstalled",
    "PassedOver",
    "Unreachable",
    "Unreadable",
    "Unwritable",
]


class GanvasError(Exception):
    """Something asked for cannot be done; the message says why and names the fix.

    The command line prints it as one line without a traceback. Any other exception is a bug in Ganvas.
    """


class NotFound(GanvasError):
    """Something requested by name or path does not exist; the message names what does."""


class NotInstalled(NotFound):
    """A required package is not installed; the message says how to install it."""


class DoesNotFit(GanvasError):
    """A setting is out of its range, or the things requested do not go together."""


class Unreadable(GanvasError):
    """A file exists but is damaged, truncated, or holds something other than expected."""


class Unwritable(GanvasError):
    """A file cannot be written: the disk is full, or the user has no permission."""


class Unreachable(GanvasError):
    """A known file cannot be downloaded or its content is wrong, or a process that shares the work is gone."""


class Busy(GanvasError):
    """Another process is working in that folder."""


class Diverged(GanvasError):
    """A training's numbers became NaN or infinite; what was saved before is intact."""


class PassedOver(UserWarning):
    """A checkpoint is damaged, and the one before it is used; the message names it."""
