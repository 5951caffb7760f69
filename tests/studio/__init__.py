"""The studio: its server, and its page in a browser."""
