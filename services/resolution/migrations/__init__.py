"""The changes to resolution's database, oldest first."""
