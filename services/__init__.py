"""The four services. They never import each other: they hear each other's events."""
