"""The changes to intake's database, oldest first."""
