"""
The one door through which every input comes, and what stands behind it.

A handler is a plain function ``(message, work) -> outcome``. The door loads what it needs, runs it, and writes what
it staged with the batch's other work in one commit; the history it appended is what the relay then publishes.
"""
