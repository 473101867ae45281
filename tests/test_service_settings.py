"""`[serve]` in recommender.toml: what is taken, what is refused, and that the manual says so."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from recommender import ConfigError
from recommender.config import read_settings
from recommender.service_settings import ServeOptions, checked_token

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MANUAL = (Path(__file__).parent.parent / "docs" / "service.md").read_text(encoding="utf-8")


def test_settings_are_read_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "recommender.toml"
    file.write_text('[serve]\nport = 0\nallowed_hosts = ["A.example"]\nrequest_seconds = 5\n')
    options = read_settings(file).serve
    assert (options.port, options.request_seconds) == (0, 5.0)
    assert options.hosts == {"a.example"}
    assert options.workers == ServeOptions().workers


def test_the_manual_shows_every_setting_with_its_default() -> None:
    (block,) = re.findall(r"```toml\n(\[serve\].*?)```", MANUAL, re.DOTALL)
    shown: dict[str, Any] = tomllib.loads(block)["serve"]
    options = ServeOptions()
    assert list(shown) == [each.name for each in fields(ServeOptions)]
    for name, value in shown.items():
        default = getattr(options, name)
        assert (tuple(value) if isinstance(value, list) else value) == default, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 70_000),
        ("port", -1),
        ("port", "8000"),
        ("port", True),
        ("workers", 0),
        ("workers", 1.5),
        ("host", "a host"),
        ("host", ""),
        ("host", "x\0"),
        ("public_only", 1),
        ("token_env", "A B"),
        ("token_file", 5),
        ("allowed_hosts", "www.example.cn"),
        ("allowed_hosts", ["www.example.cn:80"]),
        ("allowed_hosts", ["https://www.example.cn"]),
        ("allowed_hosts", [5]),
        ("cors_origins", ["www.example.cn"]),
        ("cors_origins", ["https://www.example.cn/path"]),
        ("trusted_proxies", ["proxy.example"]),
        ("request_seconds", 0),
        ("request_seconds", float("nan")),
        ("request_seconds", float("inf")),
        ("text_length", 10**9),
        ("embeddings_per_minute", 0),
        ("unknown", 1),
    ],
)
def test_what_nobody_can_mean_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises((ConfigError, TypeError)) as refusal:
        ServeOptions(**{name: value})
    if refusal.type is ConfigError:
        assert "[serve]" in str(refusal.value)
        assert name in str(refusal.value)
    file = tmp_path / "recommender.toml"
    file.write_text(f"[serve]\n{name} = {toml(value)}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(f"{file}")):
        read_settings(file)


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).replace("'", '"') if value != "x\0" else '"x\\u0000"'


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "news.example"])  # noqa: S104
def test_hosts_must_be_named_where_others_can_ask(host: str) -> None:
    with pytest.raises(ConfigError, match="allowed_hosts"):
        _ = ServeOptions(host=host).hosts
    assert ServeOptions(host=host, allowed_hosts=("a.example",)).hosts == {"a.example"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_on_the_machine_itself_its_own_names_are_known(host: str) -> None:
    assert {"localhost", "127.0.0.1", "::1", host} <= ServeOptions(host=host).hosts


def test_tokens() -> None:
    assert checked_token("  0123456789abcdef\n", "x") == "0123456789abcdef"
    for wrong in ("", "0123456789abcde", "0123456789 abcdef", "0123456789abcdéf"):
        with pytest.raises(ConfigError, match="token in x"):
            checked_token(wrong, "x")
