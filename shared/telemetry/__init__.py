"""What a running service shows of itself: logs, metrics and traces, none of which hold personal data."""
