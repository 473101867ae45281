"""HTML pages → articles: bytes to text, text to a tree, a tree to title, date and paragraphs.

Knows no file, folder or network. The extra `html` brings what it needs.
"""

from recommender.sources.pages.extraction import NoArticle, Page, read_page

__all__ = ["NoArticle", "Page", "read_page"]
