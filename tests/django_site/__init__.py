"""A small real site for the tests: pages of Wagtail, and stories of plain Django."""
