"""What intake decides: what a contact is, whose it is, where it belongs, and how the customer is written to."""
