"""What routing decides: whether a person must look, which team and person answer, and how urgent it is."""
