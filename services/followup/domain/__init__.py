"""What followup decides: when to call, when to stop, and what counts as helped."""
