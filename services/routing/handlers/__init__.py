"""One function per command, reaction and timer: decide, write, announce."""
