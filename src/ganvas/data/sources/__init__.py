"""Where samples come from: one class per source, each a part of kind "data"."""
