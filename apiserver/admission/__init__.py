"""What may be done to objects, and what is done to them before they are stored."""
