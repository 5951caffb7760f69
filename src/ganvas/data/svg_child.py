"""The process in which SVGs are drawn, run by its path so that it imports no more than it needs.

It reads requests from standard input (length and side in pixels as two uint32, then the SVG) and writes answers to
standard output (length as uint32, then + and a PNG, or - alone where it cannot be drawn). A drawing that takes more
seconds than its argument says ends it, also when nobody waits any more, and so does Ctrl-C. Where the system can limit
a process, it has a gigabyte of memory and can open no file.
"""

import faulthandler
import signal
import struct
import sys
from contextlib import suppress

__all__ = ["main"]

MEMORY = 2**30  # bytes
DPI = 96  # as in CSS; without any, what is given in millimetres has no size


def main() -> None:
    """Answer until the input ends."""
    from resvg_py import svg_to_bytes

    _give_up_files()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    while len(head := sys.stdin.buffer.read(8)) == 8:
        count, side = struct.unpack("<II", head)
        svg = sys.stdin.buffer.read(count).decode()
        faulthandler.dump_traceback_later(float(sys.argv[1]), exit=True)  # by a thread that needs no GIL
        try:
            png = svg_to_bytes(svg_string=svg, width=side, height=side, dpi=DPI, skip_system_fonts=True)
            answer = b"+" + bytes(png)
        except BaseException:  # a panic of Rust is no Exception
            answer = b"-"
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.buffer.write(struct.pack("<I", len(answer)) + answer)
        sys.stdout.buffer.flush()


def _give_up_files() -> None:
    with suppress(ImportError):
        import resource

        streams = 3
        for kind, most in (("AS", MEMORY), ("CORE", 0), ("NOFILE", streams)):
            with suppress(ValueError):  # macOS limits no memory, and a limit that is lower stays
                resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))


if __name__ == "__main__":
    main()
