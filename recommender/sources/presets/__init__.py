"""Content systems whose databases are known: which rows are articles, and what the public sees."""
