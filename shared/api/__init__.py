"""The HTTP skeleton of every service: problems, keys, preconditions, pages, health, and what wraps each request."""
