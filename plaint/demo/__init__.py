"""The demo: thirty invented contacts go through the real services, and one can watch."""
