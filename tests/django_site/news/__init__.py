"""What the tests' site is about."""
