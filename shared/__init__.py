"""What the four services share, and no more: the shared kernel ends at the first business verb."""
