"""The one error that is the user's to mend."""

__all__ = ["GanvasError"]


class GanvasError(Exception):
    """Something asked for cannot be done; the message says why and names the fix.

    The command line prints it as one line without a traceback. Everything else that is raised is a defect of ours.
    """
