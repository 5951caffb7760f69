"""The command line. In: words; out: words."""
