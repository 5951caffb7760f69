"""What can go wrong that is the user's to mend, by kind, so that a program can tell one from the other.

    GanvasError
        NotFound            a name, a file, a run, a checkpoint
            NotInstalled    a package of one of the extras
        DoesNotFit          a setting out of its range, or two things that do not go together
        Unreadable          a file that is damaged, or holds something else
        Unwritable          a disk that is full, a folder that is closed
        Unreachable         an address that does not answer with the file that is known, a process that is gone
        Busy                a folder in which another process trains
        Diverged            a training whose numbers are none any more

and a warning, PassedOver, where the work goes on with something older.
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

    The command line prints it as one line without a traceback. Everything else that is raised is a defect of ours.
    """


class NotFound(GanvasError):
    """What was asked for by its name or its path is not there; the message names what is."""


class NotInstalled(NotFound):
    """It takes a package that is not installed; the message says how to install it."""


class DoesNotFit(GanvasError):
    """A setting is out of its range, or things that were asked for together do not go together."""


class Unreadable(GanvasError):
    """A file is there but is damaged, cut short, or holds something else than it was taken for."""


class Unwritable(GanvasError):
    """A file cannot be written: the disk is full, or the place is closed to this user."""


class Unreachable(GanvasError):
    """A known file cannot be fetched, or what comes is another file; or a process that shares the work is gone."""


class Busy(GanvasError):
    """Another process is at work there."""


class Diverged(GanvasError):
    """A training's numbers are no longer numbers; what was saved before is sound."""


class PassedOver(UserWarning):
    """A checkpoint is damaged, and the one before it is used; the message names it."""
