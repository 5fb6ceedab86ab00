"""What resolution decides: which step may follow which, when each is due, and when a case is over."""
