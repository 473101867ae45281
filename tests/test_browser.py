"""The page of a duplicate report in a real browser, opened from disk as an editor opens it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from recommender import Recommender
from recommender.cli import main
from recommender.reports.duplicate_page import duplicates_page
from recommender.reports.wording import Language
from recommender.sample import sample_articles

from .duplicate_reports import Found, found_in, hostile, made_up
from .helpers import build
from .watched import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, expect
else:
    try:
        from playwright.sync_api import expect
    except ImportError:
        expect = None  # every test here is skipped

pytestmark = pytest.mark.browser

MANY = 5_000


class Desk(Watched):
    """An open page, and what went wrong or over the network in it."""

    def __init__(self, page: Page, file: Path) -> None:
        super().__init__(page)
        self.file = file

    def open(self, fragment: str = "") -> Page:
        self.page.goto(self.file.as_uri() + fragment)
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page

    def tab(self, name: str) -> None:
        self.page.click(f"#tab-{name}")
        self.page.wait_for_selector(f"#panel-{name}:not([hidden])")

    def choose(self, name: str, value: str) -> None:
        self.page.select_option(f"#choose-{name}", value)

    def found(self) -> int:
        told = self.page.inner_text("#found")
        return int(told.split(" of ")[0].replace(",", ""))

    def titles(self) -> list[str]:
        return self.page.locator("#group-list .kept .headline").all_inner_texts()

    def exported(self, to: Path) -> list[dict[str, Any]]:
        with self.page.expect_download() as waiting:
            self.page.click("#export")
        assert waiting.value.suggested_filename == "decisions.json"
        waiting.value.save_as(to)
        return json.loads(to.read_text("utf-8"))["decisions"]


Opener = Callable[..., Desk]


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens a page of what was found; in the end nothing may have gone wrong in any."""
    opened: list[Desk] = []
    contexts = []

    def opener(
        found: Found | Path, *, language: Language = "en", bodies: bool = True, **context: Any
    ) -> Desk:
        if isinstance(found, Path):
            file = found
        else:
            file = tmp_path / f"report-{len(opened)}.html"
            texts = found.texts if bodies else None
            html = duplicates_page(found.report, found.comparisons, texts=texts, language=language)
            file.write_text(html, "utf-8")
        contexts.append(browser.new_context(accept_downloads=True, **context))
        opened.append(Desk(contexts[-1].new_page(), file))
        return opened[-1]

    yield opener
    for each in opened:
        assert each.troubles == []
        assert {url.partition("#")[0] for url in each.requests if not url.startswith("blob:")} <= {
            each.file.as_uri()
        }
    for each in contexts:
        each.close()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    return build(tmp_path_factory.mktemp("browser") / "index", sample_articles())


@pytest.fixture(scope="module")
def sample(index: Recommender) -> Found:
    return found_in(index)


@pytest.fixture(scope="module")
def many() -> Found:
    return made_up(MANY)


def test_every_tab_opens_without_a_request_or_an_error(desk: Opener, sample: Found) -> None:
    here = desk(sample)
    page = here.open()
    numbers = page.inner_text(".numbers")
    assert str(len(sample.report.groups)) in numbers
    assert page.locator("#panel-summary svg .bar").count() > 2
    for name in ("groups", "maybe", "templates", "summary"):
        here.tab(name)
    here.tab("groups")
    assert here.found() == len(sample.report.groups)


def test_filters_search_and_order_over_thousands_of_groups(desk: Opener, many: Found) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    groups = many.report.groups
    assert here.found() == len(groups) == MANY
    assert page.locator("#group-list .group").count() < 200
    here.choose("verdict", "same-text")
    wanted = [each for each in groups if str(each.verdict) == "same-text"]
    assert here.found() == len(wanted)
    here.choose("sort", "weakest")
    assert here.titles()[0] == min(wanted, key=lambda each: each.weakest).canonical.title
    page.fill("#least", "0.95")
    assert here.found() == sum(each.weakest >= 0.95 for each in wanted)
    page.click("text=Clear filters >> visible=true")
    assert here.found() == MANY
    page.fill("#search", "第4321号")
    expect(page.locator("#found")).to_have_text("1 of 5,000 groups")
    assert here.titles() == ["第4321号水库例行检修公告（0）"]
    page.fill("#search", "NEWS.example/77/0 n00077")
    expect(page.locator("#group-list")).to_contain_text("第77号")
    assert here.found() == 1
    page.fill("#search", "nothing like it")
    expect(page.locator("#found")).to_contain_text("0 of 5,000 groups")


def test_categories_months_sources_and_languages_filter(desk: Opener, many: Found) -> None:
    here = desk(many)
    here.open()
    here.tab("groups")
    groups = many.report.groups
    cards = [[each.canonical, *(match.article for match in each.members)] for each in groups]
    for name, value, fits in (
        ("category", "水利", lambda card: card.category == "水利"),
        ("month", "2025-09", lambda card: card.date.strftime("%Y-%m") == "2025-09"),
        ("source", "电讯", lambda card: card.source == "电讯"),
        ("language", "zh", lambda card: card.language == "zh"),
    ):
        here.choose(name, value)
        assert here.found() == sum(any(map(fits, each)) for each in cards)
        here.choose(name, "")
    here.choose("category", "\0")
    assert here.found() == sum(any(not card.category for card in each) for each in cards)


def test_the_list_grows_as_it_is_scrolled(desk: Opener, many: Found) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    before = page.locator("#group-list .group").count()
    page.locator("#group-list .group").last.scroll_into_view_if_needed()
    expect(page.locator("#group-list .group").nth(before)).to_be_attached()


def test_bars_of_the_summary_lead_to_their_groups(desk: Opener, many: Found) -> None:
    here = desk(many)
    page = here.open()
    page.locator(".months [role=button]").first.focus()
    page.keyboard.press("Enter")
    assert 0 < here.found() < MANY
    here.tab("summary")
    page.locator(".biggest button").first.click()
    assert here.titles() == [many.report.groups[0].canonical.title]
    page.click("text=Show all groups")
    assert here.found() == MANY


def test_a_comparison_marks_what_is_shared_and_leads_back(desk: Opener, sample: Found) -> None:
    here = desk(sample)
    page = here.open()
    here.tab("groups")
    page.locator(".member .links button").first.click()
    page.wait_for_selector("dialog[open]")
    group = sample.report.groups[0]
    first = page.locator('.text[data-side="0"]').inner_text()
    assert first.replace("\n", "") == sample.texts[group.canonical.id].replace("\n", "")
    shared = page.locator('.text[data-side="0"] .shared[role=button]').first
    number = shared.get_attribute("data-passage")
    shared.focus()
    page.keyboard.press("Enter")
    lit = page.locator(f'.text[data-side="1"] .lit[data-passage="{number}"]')
    assert lit.first.is_visible()
    link = page.url
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert page.locator("#panel-groups").is_visible()
    # A link to a comparison opens it.
    again = here.open("#" + link.partition("#")[2])
    again.reload()
    again.wait_for_selector("dialog[open]")
    assert again.locator('.text[data-side="0"]').inner_text() == first
    again.go_back()


def test_next_and_last_go_through_the_list(desk: Opener, many: Found) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    page.locator(".member .links button").first.click()
    page.wait_for_selector("dialog[open]")
    group = many.report.groups[0]
    for match in group.members[1:]:
        page.keyboard.press("n")
        expect(page.locator(".column").nth(1)).to_contain_text(match.article.id)
    page.keyboard.press("n")
    after = many.report.groups[1].canonical.id
    expect(page.locator(".column").nth(0)).to_contain_text(after)
    page.keyboard.press("p")
    expect(page.locator(".column").nth(0)).to_contain_text(group.canonical.id)
    assert "not compared in detail" in page.inner_text("dialog")


def _three_groups_marked(here: Desk) -> None:
    groups = here.page.locator("#group-list .group")
    groups.nth(0).locator("button", has_text="Merge all").click()
    groups.nth(1).locator("button", has_text="Keep all").click()
    groups.nth(2).locator("button", has_text="None is a duplicate").click()


def test_three_marked_groups_leave_as_a_file_of_decisions(
    desk: Opener, many: Found, tmp_path: Path
) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    page.fill("#editor", "李编辑")
    page.press("#editor", "Tab")
    _three_groups_marked(here)
    assert "3 of 5,000 groups marked" in page.inner_text("#progress")
    entries = here.exported(tmp_path / "decisions.json")
    assert "not exported" not in page.inner_text("#progress")
    expected = []
    for group, decision in zip(many.report.groups, ("merge", "keep"), strict=False):
        ids = (match.article.id for match in group.members)
        expected += [(frozenset({group.canonical.id, each}), decision) for each in ids]
    apart = combinations(many.report.groups[2].ids, 2)
    expected += [(frozenset(pair), "distinct") for pair in apart]
    told = [(frozenset({each["first"], each["second"]}), each["decision"]) for each in entries]
    assert sorted(told, key=str) == sorted(expected, key=str)
    for each in entries:
        assert each["by"] == "李编辑"
        assert each["at"].endswith("Z")
        if each["decision"] == "merge":
            assert each["canonical"] == many.report.groups[0].canonical.id
        else:
            assert "canonical" not in each


def test_marks_of_the_page_are_applied_to_the_index(
    desk: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "index", sample_articles()).close()
    monkeypatch.setenv("RECOMMENDER_INDEX", str(tmp_path / "index"))
    file = tmp_path / "made.html"
    run = CliRunner()
    made = run.invoke(
        main, ["--quiet", "duplicates", "--page", str(file), "--interface-language", "en"]
    )
    assert made.exit_code == 0, made.stderr
    here = desk(file)
    page = here.open()
    here.tab("groups")
    groups = page.locator("#group-list .group")
    members = [groups.nth(place).locator(".member").count() for place in range(3)]
    kept = groups.nth(0).locator(".kept .id").first.inner_text()
    _three_groups_marked(here)
    entries = here.exported(tmp_path / "decisions.json")
    assert len(entries) == members[0] + members[1] + comb(members[2] + 1, 2)
    applied = run.invoke(main, ["decide", str(tmp_path / "decisions.json")])
    assert applied.exit_code == 0, applied.stderr
    with Recommender.open(tmp_path / "index") as index:
        treatments = index.treatments()
        report = index.duplicate_report()
    told = {
        (min(each["first"], each["second"]), max(each["first"], each["second"])): each["decision"]
        for each in entries
    }
    assert {pair: each.treatment or each.decision for pair, each in treatments.items()} == told
    assert {each.canonical for each in treatments.values() if each.treatment == "merge"} == {kept}
    # What was merged or kept is settled in the next report; what is no duplicate is no group.
    settled = [group for group in report.groups if report.is_settled(group)]
    assert len(settled) == 2
    apart = {pair for pair, decision in told.items() if decision == "distinct"}
    for group in report.groups:
        assert not any(set(pair) <= set(group.ids) for pair in apart)
    again = tmp_path / "again.html"
    run.invoke(main, ["--quiet", "duplicates", "--page", str(again), "--interface-language", "en"])
    there = desk(again)
    there.open()
    there.tab("groups")
    there.choose("status", "settled")
    assert there.found() == 2
    told_there = there.page.inner_text("#group-list")
    assert "Decided: merge" in told_there
    assert "Decided: keep both" in told_there
    # What stands is shown on its button; nothing is marked by it.
    assert there.page.locator(".mark.merge.decided").count() == members[0]
    assert there.page.locator(".mark[aria-pressed=true]").count() == 0
    weight = "getComputedStyle(document.querySelector('.group.settled .because')).fontWeight"
    assert there.page.evaluate(weight) == "400"


def test_another_article_can_be_kept(desk: Opener, many: Found, tmp_path: Path) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    group = many.report.groups[0]
    chosen = group.members[1].article
    card_ = page.locator("#group-list .group").first
    card_.locator("button", has_text="Merge all").click()
    card_.locator(f'[aria-label*="{chosen.title}"]', has_text="Keep this one instead").click()
    assert card_.locator(".kept .headline").inner_text() == chosen.title
    entries = here.exported(tmp_path / "decisions.json")
    assert {each["canonical"] for each in entries} == {chosen.id}
    others = set(group.ids) - {chosen.id}
    assert {each["first"] for each in entries} | {each["second"] for each in entries} == {
        chosen.id,
        *others,
    }
    assert len(entries) == len(others)


def test_marks_can_be_undone_and_survive_a_reload(desk: Opener, many: Found) -> None:
    here = desk(many)
    page = here.open()
    page.on("dialog", lambda dialog: dialog.accept())
    here.tab("groups")
    _three_groups_marked(here)
    page.keyboard.press("Control+z")
    assert "2 of 5,000" in page.inner_text("#progress")
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert "2 of 5,000" in page.inner_text("#progress")
    assert "not exported" in page.inner_text("#progress")
    here.choose("status", "marked")
    assert here.found() == 2
    page.click("#export")


def test_marks_that_were_not_exported_are_kept_for_the_next_report(
    desk: Opener, tmp_path: Path
) -> None:
    found = made_up(30)
    here = desk(found)
    page = here.open()
    page.on("dialog", lambda dialog: dialog.accept())
    here.tab("groups")
    _three_groups_marked(here)
    marked = here.page.evaluate("decisions()")
    # Tonight's report: the first group is not in it, the second has been decided on meanwhile.
    gone, settled, apart = found.report.groups[:3]
    pairs = frozenset((settled.canonical.id, each.article.id) for each in settled.members)
    later = replace(found.report, groups=found.report.groups[1:], settled=pairs)
    here.file.write_text(duplicates_page(later, {}, texts=None), "utf-8")
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    told = page.inner_text("#progress")
    assert f"{len(gone.members)} of them from an earlier report" in told
    assert "not exported" in told
    entries = here.exported(tmp_path / "decisions.json")
    ids = {*gone.ids, *apart.ids}
    expected = [each for each in marked if each["first"] in ids]
    assert sorted(entries, key=str) == sorted(expected, key=str)
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert "earlier report" not in page.inner_text("#progress")


def test_the_page_works_where_the_browser_keeps_nothing(
    desk: Opener, sample: Found, tmp_path: Path
) -> None:
    here = desk(sample)
    here.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    )
    page = here.open()
    here.tab("groups")
    page.locator(".member button.mark.merge").first.click()
    assert len(here.exported(tmp_path / "decisions.json")) == 1


def test_marks_over_a_decision_survive_a_reload(desk: Opener, sample: Found) -> None:
    group = sample.report.groups[0]
    settled = frozenset(
        (min(group.canonical.id, each.article.id), max(group.canonical.id, each.article.id))
        for each in group.members
    )
    here = desk(replace(sample, report=replace(sample.report, settled=settled)))
    page = here.open()
    page.on("dialog", lambda dialog: dialog.accept())
    here.tab("groups")
    here.choose("status", "settled")
    page.locator(".member button.mark.distinct").first.click()
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.evaluate("decisions().length") == 1
    page.click("#export")


def test_a_group_that_is_none_is_told_apart_pair_by_pair(
    desk: Opener, many: Found, tmp_path: Path
) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    group = many.report.groups[0]
    whole = page.locator("#group-list .group").first
    whole.locator("button", has_text="None is a duplicate").click()
    file = tmp_path / "decisions.json"
    entries = here.exported(file)
    told = {frozenset((each["first"], each["second"])) for each in entries}
    assert told == {frozenset(pair) for pair in combinations(group.ids, 2)}
    assert len(entries) == len(told)
    # In whatever order they come back.
    there = desk(many)
    other = there.open()
    file.write_text(json.dumps({"decisions": entries[::-1]}), "utf-8")
    other.set_input_files("#import", file)
    again = there.exported(file)
    assert {frozenset((each["first"], each["second"])) for each in again} == told
    assert len(again) == len(told)
    # One that is a duplicate after all is told apart of no other.
    whole.locator(".member button.mark.merge").first.click()
    left = here.exported(file)
    assert len(left) == comb(len(group.ids) - 1, 2) + 1
    whole.locator("button", has_text="None is a duplicate").click()
    whole.locator("button", has_text="None is a duplicate").click()
    assert page.evaluate("decisions().length") == 0


def test_leaving_with_marks_asks_first(desk: Opener, sample: Found) -> None:
    here = desk(sample)
    page = here.open()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    here.tab("groups")
    page.locator("button.mark.merge").first.click()
    page.reload()
    assert asked == ["beforeunload"]


def test_an_exported_file_is_taken_in_elsewhere(desk: Opener, many: Found, tmp_path: Path) -> None:
    here = desk(many)
    page = here.open()
    here.tab("groups")
    page.locator("#group-list .group").nth(3).locator("text=Keep this one instead").last.click()
    _three_groups_marked(here)
    page.locator("#group-list .group").nth(3).locator("button", has_text="Merge all").click()
    file = tmp_path / "decisions.json"
    entries = here.exported(file)
    there = desk(many)
    other = there.open()
    other.set_input_files("#import", file)
    expect(other.locator("#progress")).to_contain_text("4 of")
    assert there.exported(tmp_path / "again.json") == [{**each, "by": ""} for each in entries]
    file.write_text('{"decisions": [1, {"first": "x", "second": "y", "decision": "keep"}]}')
    other.set_input_files("#import", file)
    expect(other.locator("#notice")).to_contain_text("2 others")
    file.write_text("no JSON")
    other.set_input_files("#import", file)
    expect(other.locator("#notice")).to_contain_text("no file of decisions")


def test_a_doubtful_pair_is_marked_with_the_article_to_keep(
    desk: Opener, many: Found, tmp_path: Path
) -> None:
    here = desk(many)
    page = here.open()
    here.tab("maybe")
    pair = many.report.maybe[0].pair
    first = page.locator("#pair-list .pair").first
    first.locator(f'[aria-label*="{pair.second.title}"]', has_text="Keep this one instead").click()
    first.locator("button.mark.merge").click()
    first.locator("text=Compare").click()
    page.wait_for_selector("dialog[open]")
    page.fill("#pair-note", "同一份公告")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    (entry,) = here.exported(tmp_path / "decisions.json")
    assert entry["canonical"] == pair.second.id
    assert entry["note"] == "同一份公告"


def test_doubtful_pairs_and_templates_can_be_searched(desk: Opener, many: Found) -> None:
    first, *others = many.report.maybe
    other = replace(others[0], pair=replace(others[0].pair, similarity=0.99))
    below = [replace(each, reason="below") for each in others[1:]]
    report = replace(many.report, maybe=(replace(first, reason="heading"), other, *below))
    here = desk(replace(many, report=report))
    page = here.open()
    here.tab("maybe")
    here.choose("reason", "heading")
    expect(page.locator("#pair-list .pair")).to_have_count(1)
    assert "Under a heading of many articles" in page.inner_text("#pair-list")
    here.choose("reason", "")
    page.fill("#least-maybe", "0.99")
    expect(page.locator("#pair-list .pair")).to_have_count(1)
    page.fill("#least-maybe", "")
    page.fill("#search-maybe", f"{first.pair.first.id.upper()} {first.pair.second.id}")
    expect(page.locator("#found-pairs")).to_have_text(f"1 of {len(report.maybe):,} pairs")
    label = page.locator("#pair-list .pair").get_attribute("aria-label") or ""
    assert first.pair.first.title in label
    assert first.pair.second.title in label
    page.fill("#search-maybe", "nothing like it")
    page.click("#found-pairs button")
    expect(page.locator("#found-pairs")).to_contain_text(f"{len(report.maybe):,} of")
    here.tab("templates")
    page.fill("#search-templates", report.templates[0].canonical.id)
    expect(page.locator("#family-list .family")).to_have_count(1)


def test_the_focus_comes_back_to_the_card_that_was_marked(desk: Opener, many: Found) -> None:
    here = desk(many)
    page = here.open()
    for tab, name in (("groups", "#group-list .member"), ("maybe", "#pair-list .pair")):
        here.tab(tab)
        row = page.locator(name).nth(1)
        row.locator('[data-key$="compare"]').click()
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("m")
        expect(page.locator("#compare-acts .mark.merge")).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog:not([open])", state="attached")
        again = row.locator('[data-key$="compare"]')
        expect(again).to_be_focused()
    page.click("#export")


def test_the_language_switches_in_the_page(desk: Opener, sample: Found) -> None:
    here = desk(sample, language="zh")
    page = here.open()
    assert page.get_attribute("html", "lang") == "zh-CN"
    assert "重复组" in page.inner_text("#tabs")
    page.click("#language")
    assert page.get_attribute("html", "lang") == "en"
    assert "Groups" in page.inner_text("#tabs")
    for name in ("groups", "maybe", "templates"):
        here.tab(name)
        assert "{" not in page.inner_text("body")
    page.click("#language")
    assert "导出裁定" in page.inner_text("#desk")


def test_tabs_and_marks_work_from_the_keyboard(desk: Opener, sample: Found) -> None:
    here = desk(sample)
    page = here.open()
    page.focus("#tab-summary")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#panel-groups:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "tab-groups"
    page.locator("button.mark.merge").first.focus()
    page.keyboard.press("Space")
    # The card is built anew; the focus stays on the button that was pressed.
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.click("#export")


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_scrolls_in_one_direction_only(desk: Opener, sample: Found, width: int) -> None:
    here = desk(sample, viewport={"width": width, "height": 800})
    page = here.open()
    for language in range(2):
        for name in ("summary", "groups", "maybe", "templates"):
            here.tab(name)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        here.tab("groups")
        page.locator(".member .links button").first.click()
        page.wait_for_selector("dialog[open]")
        assert page.evaluate("byId('compare').scrollWidth <= byId('compare').clientWidth")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog:not([open])", state="attached")
        if not language:
            page.click("#language")


def test_the_page_is_dark_where_the_reader_wants_it(desk: Opener, sample: Found) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page = desk(sample, color_scheme=scheme).open()
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    light, dark = (sum(int(part) for part in each[4:-1].split(",")) for each in colours)
    assert light > 600
    assert dark < 150


def test_print_shows_the_summary_and_every_group(desk: Opener, tmp_path: Path) -> None:
    found = made_up(60)
    here = desk(found)
    page = here.open()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#group-list .group").count() == 60
    assert page.locator("#group-list .member").count() == found.report.duplicates
    assert page.locator(".numbers").is_visible()
    for hidden in ("#tabs", "#desk", ".filters"):
        assert not page.locator(hidden).first.is_visible()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert not page.locator("#panel-groups").is_visible()
    paper = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert paper.count(b"/Type /Page\n") > 3


def test_hostile_content_runs_nothing(desk: Opener) -> None:
    found = hostile()
    here = desk(found)
    page = here.open()
    for name in ("summary", "groups", "maybe", "templates"):
        here.tab(name)
    here.tab("groups")
    for group in found.report.groups:
        page.evaluate(
            "(ids) => go({ compare: ids })", [group.canonical.id, group.members[0].article.id]
        )
        expect(page.locator("#compare")).to_contain_text(group.members[0].article.id)
        page.locator(".why summary").click()
    page.keyboard.press("Escape")
    assert page.evaluate("window.harmed === undefined")
    assert page.locator("#main img, dialog img, #main script").count() == 0
    links = page.locator("a[href]").evaluate_all("all => all.map((each) => each.protocol)")
    assert set(links) <= {"https:", "http:", "file:"}
    for each in page.locator("a[target]").all():
        assert each.get_attribute("rel") == "noopener noreferrer nofollow"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_page_without_bodies_says_so(desk: Opener, sample: Found) -> None:
    here = desk(sample, bodies=False)
    page = here.open()
    here.tab("groups")
    page.locator(".member .links button").first.click()
    page.wait_for_selector("dialog[open]")
    assert "left out of this file" in page.inner_text("dialog")
    page.locator(".why summary").click()
    assert page.locator(".waterfall").is_visible()
    assert page.locator(".chips").count() == 0


def test_settled_groups_are_shown_as_done(desk: Opener, sample: Found) -> None:
    group = sample.report.groups[0]
    settled = frozenset(
        (min(group.canonical.id, each.article.id), max(group.canonical.id, each.article.id))
        for each in group.members
    )
    here = desk(replace(sample, report=replace(sample.report, settled=settled)))
    page = here.open()
    here.tab("groups")
    here.choose("status", "settled")
    assert here.found() == 1
    assert "Settled" in page.locator("#group-list .group").inner_text()
    here.choose("status", "open")
    assert here.found() == len(sample.report.groups) - 1
