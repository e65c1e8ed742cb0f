"""Routes of the brokerage family."""
