"""The editor's page in a real browser, over a running service: as editors use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recommender.reports.service_wording import service_wording
from recommender.sample import sample_articles

from .helpers import build
from .page_service import COPY, TOKEN, hostile, running
from .services import TOKEN as RUN_TOKEN
from .services import serving
from .test_preview_browser import CONTRASTS
from .watched import Watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, expect
else:
    try:
        from playwright.sync_api import expect
    except ImportError:
        expect = None  # every test here is skipped

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
ZH, EN = service_wording("zh"), service_wording("en")
LAUNCH = "/?article=tianzhou9-launch"
COLOURED = (
    ".about, .hint, .mark, .verdict, .number, .count, .cut label, .cut output, dt, dd, summary, "
    ".warning, .nothing p, .kicker, .legend li, .shared, mark, .headline, label, .strong, .quiet, "
    ".link, nav a, .problem p, .waiting"
)
TOLD = ("Failed to load resource: ", "htmx:")
# Starts a service; ends with the test.
Opener = Callable[..., "Page"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "index"
    build(folder, [*sample_articles(), *hostile()]).close()
    return folder


@pytest.fixture(scope="module")
def address(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(index, tmp_path_factory.mktemp("runtime")) as started:
        yield started


class Visit(Watched):
    """An open page, and what went wrong or elsewhere in it."""

    def __init__(self, page: Page, address: str) -> None:
        super().__init__(page)
        self.address = address
        page.on("dialog", lambda dialog: self.troubles.append(dialog.message))


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Opener]:
    """Opens the page signed in; in the end nothing went wrong and nothing was asked elsewhere."""
    visits: list[Visit] = []
    contexts = []

    def opened(
        path: str = "/",
        *,
        at: str = address,
        locale: str = "zh-CN",
        token: str = TOKEN,
        **options: Any,
    ) -> Page:
        options = {"viewport": DESK, **options}
        contexts.append(browser.new_context(locale=locale, base_url=at, **options))
        visits.append(Visit(contexts[-1].new_page(), at))
        page = visits[-1].page
        page.goto(path)
        page.fill("#token", token)
        page.keyboard.press("Enter")
        page.wait_for_url(at + path)
        return page

    yield opened
    for each in visits:
        # What a browser and htmx say of a request that failed is none of the page's.
        assert [text for text in each.troubles if not text.startswith(TOLD)] == []
        own = (f"{each.address}/", f"{each.address.replace('127.0.0.1', 'localhost')}/")
        assert all(url.startswith(own) for url in each.requests)
    for each in contexts:
        each.close()


def slide(page: Page, name: str, presses: int, key: str = "ArrowLeft") -> None:
    page.focus(f"#cut-{name}")
    for _ in range(presses):
        page.keyboard.press(key)


def titles(page: Page, where: str) -> list[str]:
    return page.locator(f".{where} .headline").all_inner_texts()


def check(page: Page, title: str, body: str) -> None:
    page.fill("#draft-title", title)
    page.fill("#draft-body", body)
    page.click("#check")


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_find_an_article_and_move_a_threshold(visit: Opener, viewport: dict[str, int]) -> None:
    page = visit(viewport=viewport)
    page.locator("#q").press_sequentially("天舟九号")
    expect(page.locator(".found li")).to_have_count(3)
    expect(page.locator("#told")).to_have_text("找到 3 篇文章")
    page.get_by_role("link", name="天舟九号货运飞船在文昌发射成功").click()
    expect(page.locator("h1")).to_have_text("天舟九号货运飞船在文昌发射成功")
    expect(page.locator(".box li")).to_have_count(3)
    before = titles(page, "box")
    expect(page.locator(".near")).to_contain_text(ZH["near_none"])

    slide(page, "related", 10, "ArrowRight")
    expect(page.locator("output[for=cut-related]")).to_have_text("0.60")
    expect(page.locator(".box li")).to_have_count(2)
    expect(page.locator(".box")).to_contain_text("没有其他公开文章达到相似度 0.60")
    expect(page.locator("#told")).to_have_text("近似重复 0 篇，相关文章 2 篇")
    # The slider keeps the focus while the lists change.
    assert page.evaluate("document.activeElement.id") == "cut-related"

    slide(page, "same_story", 12)
    expect(page.locator(".near .duplicate")).to_have_count(1)
    expect(page.locator(".near")).to_contain_text("天舟八号")

    page.click("[data-reset]")
    expect(page.locator(".near .duplicate")).to_have_count(0)
    expect(page.locator(".box li")).to_have_count(3)
    assert titles(page, "box") == before
    page.reload()
    assert titles(page, "box") == before


def test_chinese_is_typed_by_its_sound(visit: Opener) -> None:
    page = visit()
    page.focus("#q")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    keyboard = page.context.new_cdp_session(page)
    for typed in ("t", "ti", "tian", "tianzhou"):
        composing = {"text": typed, "selectionStart": len(typed), "selectionEnd": len(typed)}
        keyboard.send("Input.imeSetComposition", composing)
    assert page.input_value("#q") == "tianzhou"
    keyboard.send("Input.insertText", {"text": "天舟九号"})
    expect(page.locator(".found li")).to_have_count(3)
    assert len(asked) == 1


def test_thresholds_take_each_other_along(visit: Opener) -> None:
    page = visit(LAUNCH)
    slide(page, "related", 30, "ArrowRight")
    values = [page.input_value(f"#cut-{n}") for n in ("same_text", "same_story", "related")]
    assert values == ["0.9", "0.8", "0.8"]
    shown = page.locator(".cut output").all_inner_texts()
    assert shown == ["0.90", "0.80", "0.80"]
    slide(page, "same_text", 40)
    values = [page.input_value(f"#cut-{n}") for n in ("same_text", "same_story", "related")]
    assert values == ["0.5", "0.5", "0.5"]
    expect(page.locator(".near .duplicate")).not_to_have_count(0)
    expect(page.locator(".problem")).to_have_count(0)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_check_a_draft(visit: Opener, viewport: dict[str, int]) -> None:
    page = visit("/draft", viewport=viewport)
    expect(page.locator("#answer")).to_contain_text(ZH["draft_waiting"])
    check(page, COPY.title, COPY.body)
    first = page.locator(".duplicate").first
    expect(first).to_contain_text(ZH["draft_same-text"])
    expect(first.locator(".headline").first).to_have_text(COPY.title)
    # The result is where the eye and the screen reader are.
    assert page.evaluate("document.activeElement.id") == "near-title"
    assert page.locator("#near-title").evaluate(
        "one => { const at = one.getBoundingClientRect().top;"
        " return at >= 0 && at < window.innerHeight; }"
    )
    first.locator("summary").click()
    expect(first.locator(".texts .shared").first).to_be_visible()
    expect(first.locator(".texts")).to_contain_text(ZH["this_draft"])
    # What was opened stays open while a threshold moves.
    slide(page, "related", 2)
    expect(page.locator("output[for=cut-related]")).to_have_text("0.48")
    with page.expect_response("**/draft?moved=1"):
        slide(page, "related", 1)
    expect(first.locator(".texts .shared").first).to_be_visible()
    assert page.input_value("#draft-body") == COPY.body
    assert page.url.endswith("/draft")


def test_a_draft_without_anything_says_so(visit: Opener) -> None:
    page = visit("/draft")
    page.click("#check")
    expect(page.get_by_role("alert").filter(has_text=ZH["problem_no_draft"])).to_be_visible()
    slide(page, "related", 1)
    check(page, "桥面", "")
    expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator(".near")).to_be_visible()


def test_the_draft_goes_along_into_the_other_language(visit: Opener) -> None:
    page = visit("/draft", locale="en-GB")
    check(page, COPY.title, "青溪河水位回落。\n\n转移群众陆续返家。")
    expect(page.locator("h2").first).to_contain_text(EN["near"])
    page.click("#language")
    expect(page.locator("h2").first).to_contain_text(ZH["near"])
    assert page.input_value("#draft-title") == COPY.title
    assert page.input_value("#draft-body") == "青溪河水位回落。\n\n转移群众陆续返家。"


def test_with_the_keyboard_alone(visit: Opener) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("ticket-leak-1")
    expect(page.locator(".found li")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("四川某科技公司")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if reached[-1] == "SUMMARY":
            break
    at = [reached.index(f"cut-{name}") for name in ("same_text", "same_story", "related")]
    assert at == sorted(at)
    page.keyboard.press("Enter")
    expect(page.locator(".texts .shared").first).to_be_visible()
    # Where the focus is can be seen.
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_without_a_script(visit: Opener, viewport: dict[str, int]) -> None:
    page = visit(java_script_enabled=False, viewport=viewport)
    page.fill("#q", "天舟九号")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="天舟九号货运飞船在文昌发射成功").click()
    assert len(titles(page, "box")) == 3
    expect(page.get_by_text(ZH["cuts_note_typed"])).to_be_visible()
    expect(page.get_by_text(ZH["cuts_note"])).to_be_hidden()
    page.fill("#cut-related", "0.6")
    page.fill("#cut-same_story", "0.63")
    page.get_by_role("button", name=ZH["cuts_apply"]).click()
    assert titles(page, "box") == ["天舟九号货运飞船与火箭组合体转运至发射区"]
    assert page.input_value("#cut-related") == "0.60"
    page.locator("summary").first.click()
    page.get_by_role("link", name=ZH["open_pair"]).first.click()
    assert page.locator(".texts .shared").count()

    page.get_by_role("link", name=ZH["nav_draft"]).click()
    check(page, COPY.title, COPY.body)
    assert titles(page, "duplicate")[0] == COPY.title
    page.locator("summary").first.click()
    with page.context.expect_page() as opening:
        page.get_by_role("button", name=ZH["open_pair"]).first.click()
    assert opening.value.locator(".texts .shared").count()
    assert page.input_value("#draft-body") == COPY.body
    page.get_by_role("button", name=ZH["sign_out"]).click()
    assert page.url.endswith("/login")


def test_signed_out_in_the_middle_loses_nothing(visit: Opener, address: str) -> None:
    page = visit("/draft")
    page.context.clear_cookies()
    check(page, COPY.title, COPY.body)
    expect(page.locator(".problem")).to_contain_text(ZH["problem_signed_out"])
    with page.context.expect_page() as opening:
        page.locator(".problem a").click()
    other = opening.value
    other.fill("#token", TOKEN)
    other.keyboard.press("Enter")
    other.wait_for_url(f"{address}/")
    page.click("#check")
    expect(page.locator(".duplicate").first).to_contain_text(COPY.title)


def test_a_link_of_the_cms_opens_the_page(visit: Opener, address: str) -> None:
    page = visit()
    other = address.replace("127.0.0.1", "localhost")
    page.goto(f"{other}/login")
    page.evaluate(
        "(to) => { const link = document.createElement('a'); link.href = to;"
        " document.body.append(link); link.click(); }",
        f"{address}{LAUNCH}",
    )
    page.wait_for_url(f"{address}{LAUNCH}")
    expect(page.locator("h1")).to_have_text("天舟九号货运飞船在文昌发射成功")


def test_as_it_is_run_with_several_workers(visit: Opener, index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path, "--workers", "2") as service:
        service.wait_for_model()
        page = visit("/draft", at=service.url, token=RUN_TOKEN)
        check(page, COPY.title, COPY.body)
        expect(page.locator(".duplicate").first).to_contain_text(COPY.title)
        expect(page.locator(".warning")).to_have_count(0)
        # Whichever worker answers knows the login.
        for _ in range(10):
            page.goto(LAUNCH)
            expect(page.locator(".box li")).to_have_count(3)
        page.click(f"text={ZH['sign_out']}")
        expect(page.locator("#token")).to_be_focused()
        page.goto(LAUNCH)
        expect(page.locator("#token")).to_be_visible()
        routes = {each["route"] for each in service.lines() if each.get("message") == "request"}
        assert {"/", "/draft", "/login", "/logout", "/static/{name}"} <= routes
        log = service.log.read_text("utf-8")
        assert COPY.title not in log
        assert "tianzhou9" not in log


def test_failures_are_told_in_words(visit: Opener, index: Path, tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    with running(
        index, tmp_path / "runtime", embeddings_per_minute=1, text_length=1_000
    ) as another:
        page = visit("/draft", at=another)
        check(page, "一", COPY.body)
        expect(page.locator(".near")).to_be_visible()
        check(page, "二", COPY.body)
        expect(page.locator(".problem")).to_contain_text(ZH["problem_often"])
        check(page, "三", "长" * 1_001)
        expect(page.locator(".problem")).to_contain_text(ZH["problem_large"])
        assert len(page.input_value("#draft-body")) == 1_001
    page.click("#check")
    expect(page.locator("#trouble")).to_have_text(ZH["problem_offline"])


def test_a_draft_that_is_too_long_to_send_is_told(
    visit: Opener, index: Path, tmp_path: Path
) -> None:
    with running(index, tmp_path, request_bytes=50_000) as another:
        page = visit("/draft", at=another)
        check(page, "长", "长" * 20_000)
        told = page.locator(".problem, #trouble:not([hidden])").first
        expect(told).to_be_visible()
        assert any(ZH[f"problem_{name}"] in told.inner_text() for name in ("large", "offline"))
        assert len(page.input_value("#draft-body")) == 20_000


def test_a_missing_model_is_told(visit: Opener, index: Path, tmp_path: Path) -> None:
    with running(index, tmp_path, model=False) as another:
        page = visit("/draft", at=another)
        check(page, COPY.title, COPY.body)
        expect(page.locator(".warning")).to_have_text(ZH["by_wording"])
        expect(page.locator(".duplicate").first).to_contain_text(COPY.title)


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
@pytest.mark.parametrize("width", [1280, 800, 360, 320])
def test_it_fits_the_screen(visit: Opener, locale: str, width: int) -> None:
    page = visit(locale=locale, viewport={"width": width, "height": 740})
    for path in (
        "/",
        "/?q=桥",
        "/?article=evil",
        LAUNCH,
        "/draft",
        "/pair?first=evil&second=hidden",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto("/?article=evil&same_story=0.3&related=0.3")
    page.locator("summary").first.click()
    page.wait_for_selector(".texts")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # On a phone fingers need room.
    if width <= 360:
        for each in page.locator(".masthead a, .masthead button, .search button").all():
            box = each.bounding_box()
            assert box is None or box["height"] >= 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read(visit: Opener, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    contrasts = CONTRASTS.replace(
        '".mark, .about, .why, .short, .note, td, th"', repr(COLOURED).replace("'", '"')
    )
    assert COLOURED in contrasts
    for path in ("/", "/?q=桥", "/?article=ticket-leak-1&same_story=0.6", "/draft", "/?article=no"):
        page.goto(path)
        for number, contrast in enumerate(page.evaluate(contrasts)):
            assert contrast >= 4.5, (path, number)


def test_a_screen_reader_finds_its_way(visit: Opener) -> None:
    page = visit(LAUNCH, locale="en-US")
    for role, name in (
        ("banner", None),
        ("main", None),
        ("search", None),
        ("navigation", EN["sections"]),
        ("region", EN["near"]),
        ("region", EN["box"]),
        ("group", EN["cuts"]),
        ("slider", EN["cut_same_text"]),
        ("slider", EN["cut_same_story"]),
        ("slider", EN["cut_related"]),
        ("searchbox", EN["search"]),
        ("img", "Similarity of the"),
    ):
        found = page.get_by_role(role, name=name) if name else page.get_by_role(role)
        assert found.count() == 1, (role, name)
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("link", name=EN["nav_search"]).get_attribute("aria-current") == "page"
    # Chinese in an English page is read as Chinese.
    assert page.locator("h1 bdi").get_attribute("lang") == "zh"
    page.goto("/draft")
    for name in ("field_title", "field_body", "field_date", "field_id"):
        assert page.get_by_role("textbox", name=EN[name]).count() == 1
    described = page.get_by_role("textbox", name=EN["field_body"]).get_attribute("aria-describedby")
    assert page.locator(f"#{described}").inner_text() == EN["field_body_hint"]


def test_no_motion_for_those_who_want_none(visit: Opener) -> None:
    page = visit(reduced_motion="reduce")
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter((one) =>"
        " parseFloat(getComputedStyle(one).transitionDuration) > 0).length"
    )
    assert moving == 0


def test_old_lists_are_faint_until_new_ones_come(visit: Opener) -> None:
    page = visit(LAUNCH)
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/?article=*related=*", hold)
    line, answer = page.locator("#computing"), page.locator("#answer")
    expect(line).to_be_hidden()
    slide(page, "related", 10, "ArrowRight")
    expect(line).to_be_visible()
    expect(line).to_have_text(ZH["computing"])
    expect(answer).to_have_attribute("aria-busy", "true")
    expect(answer).to_have_css("opacity", "0.45")
    page.unroute("**/?article=*related=*")
    # What waits is given up for this one.
    slide(page, "related", 1, "ArrowRight")
    expect(page.locator(".box")).to_contain_text("没有其他公开文章达到相似度 0.61")
    expect(answer).to_have_attribute("aria-busy", "false")
    expect(answer).to_have_css("opacity", "1")
    expect(line).to_be_hidden()
    assert held


def test_links_of_lists_can_be_touched(visit: Opener) -> None:
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    for path in ("/?q=天舟九号", LAUNCH):
        page.goto(path)
        links = page.locator("li .headline a")
        expect(links).to_have_count(3)
        for each in links.all():
            box = each.bounding_box()
            assert box is not None
            assert box["height"] >= 24


def test_an_answer_that_comes_late_does_not_replace_a_newer_one(visit: Opener) -> None:
    page = visit()
    held: list[Any] = []

    def hold(route: Any) -> None:
        if "%E6%A1%A5" in route.request.url and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/?q=*", hold)
    page.fill("#q", "桥")
    deadline = time.monotonic() + 30
    while not held and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    page.fill("#q", "天舟九号")
    expect(page.locator(".found li")).to_have_count(3)
    try:
        held[0].continue_()
    except Exception:
        # The browser has given it up already.
        assert held
    page.wait_for_load_state("networkidle")
    expect(page.locator(".found li")).to_have_count(3)
