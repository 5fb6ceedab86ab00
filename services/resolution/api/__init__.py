"""The HTTP edge: the queue that teams work through, and one route for each thing they do with a case."""

from services.resolution.api.commands import commands
from services.resolution.api.routes import routes
from services.resolution.api.submission import READ, WRITE

__all__ = ["READ", "WRITE", "commands", "routes"]
