"""Campaigns against the index folder: kills, power cuts, damage, and readers beside a writer.

Each is a module that runs whole as a command, with its seed printed, and in part as a test
(`tests/test_campaigns.py`). They know the public API and the names of an index's files, and
judge an index by its answers alone.
"""
