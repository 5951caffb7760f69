"""The studio asked over HTTP, as a script and as a browser ask it."""
