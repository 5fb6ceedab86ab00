"""The changes to followup's database, oldest first."""
