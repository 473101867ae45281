"""Tables of the tests' site."""
