"""
What tests of a service are built from: a clock that stands still, sample events, and a door on either store.

Nothing here is imported by a running service.
"""
