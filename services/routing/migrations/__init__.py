"""The changes to routing's database, oldest first."""
