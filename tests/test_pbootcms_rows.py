"""Texts of PbootCMS, escaped or raw: what comes out is what the author wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.sources.presets.pbootcms_rows import decoded_texts, is_set, steps
from tests.cms_sites import escaped

# With the signs that escaping is about in most texts; no control characters, as in a form.
TEXTS = st.text(
    st.one_of(st.sampled_from("<>&\"'\\;#"), st.characters(exclude_categories=("Cs", "Cc"))),
    max_size=40,
)
PIECES = st.lists(
    st.one_of(
        TEXTS,
        st.sampled_from(
            ["&amp;lt;", "&lt;p&gt;", "\\\\", "\\'", "&nbsp;", "&#039;", "C:\\temp\\0"]
        ),
    ),
    max_size=6,
).map("".join)


@given(TEXTS, PIECES)
def test_rows_stored_with_slashes_come_back(title: str, text: str) -> None:
    content = f"<p>{text}</p>"
    assert decoded_texts(escaped(content), escaped(title)) == (content, title)


@given(TEXTS.filter(lambda text: "\\" not in text), PIECES.filter(lambda text: "\\" not in text))
def test_rows_stored_without_slashes_come_back(title: str, text: str) -> None:
    content = f"<p>{text}</p>"
    stored = escaped(content, slashes=False), escaped(title, slashes=False)
    assert decoded_texts(*stored) == (content, title)


@given(PIECES, PIECES)
def test_raw_rows_stay_as_they_are(title: str, text: str) -> None:
    content = f'<p class="a">{text}</p>'
    assert decoded_texts(content, title) == (content, title)


@pytest.mark.parametrize(
    ("content", "title", "wanted_content", "wanted_title"),
    [
        # MySQL took the slashes away: one that stands alone was written by the author.
        ("&lt;p&gt;C:\\temp&lt;/p&gt;", "a", "<p>C:\\temp</p>", "a"),
        # Older versions left single quotes to their slash.
        ("&lt;p&gt;it\\'s&lt;/p&gt;", "it\\'s", "<p>it's</p>", "it's"),
        # A raw row whose text is about HTML.
        ("<p>write &amp;lt; for &lt;</p>", "&amp;lt; \\\\", "<p>write &amp;lt; for &lt;</p>",
         "&amp;lt; \\\\"),
        # Without any markup the title can still tell, and a backslash is left alone.
        ("plain text", "Q&amp;A", "plain text", "Q&A"),
        ("a \\\\ sign", "R&D", "a \\\\ sign", "R&D"),
        ("say &quot;yes&quot; &amp; go", "x", 'say "yes" & go', "x"),
        ("", "", "", ""),
    ],
)  # fmt: skip
def test_rows_one_by_one(content: str, title: str, wanted_content: str, wanted_title: str) -> None:
    assert decoded_texts(content, title) == (wanted_content, wanted_title)


def test_codes_and_visits() -> None:
    assert [is_set(each) for each in ("", "0", None, 0, "2", 3, " ")] == [
        *[False] * 4, True, True, False,
    ]  # fmt: skip
    counts = [0, 9, 10, 19, 99, 100, 4_812, "77", None, "many", -5]
    assert [steps(each) for each in counts] == [0, 0, 10, 10, 90, 100, 4_000, 70, 0, 0, 0]
