"""One function per command and reaction: decide, write, announce."""
