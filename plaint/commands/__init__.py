"""The commands, one module for each subject; help texts stand here as keys of the catalogue."""
