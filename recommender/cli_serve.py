"""The command `serve`: the HTTP service over an index."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from recommender.config import Settings, install_command
from recommender.console import index_option, say, settings
from recommender.errors import ConfigError, EmbedderUnavailable
from recommender.service_settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    ServeOptions,
    checked_token,
)

_LONGEST_TOKEN_FILE = 4_096


@click.command()
@index_option
@click.option("--host", help=f"Address to listen at.  [default: {DEFAULT_HOST}]")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help=f"Port to listen at, 0 for any that is free.  [default: {DEFAULT_PORT}]",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer.  [default: 2]")
@click.option(
    "--public-only",
    is_flag=True,
    default=None,
    help="Answer only what needs no token: related lists and health checks.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Name under which the service may be asked. Repeatable.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Origin whose pages may read related lists. Repeatable.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False),
    help="File with the token.  [default: the variable RECOMMENDER_TOKEN]",
)
def serve(index: Path, token_file: str | None, **given: Any) -> None:
    """Answer a CMS over HTTP: related lists, the check before publishing, changes.

    The token is read from the environment variable RECOMMENDER_TOKEN. Address, limits and all
    else are settings: [serve] in recommender.toml.

    \b
    RECOMMENDER_TOKEN=… recommender serve -i indexes/news
    recommender serve --public-only --host 0.0.0.0 --allowed-host www.example.cn
    """
    said = settings(click.get_current_context())
    changes = {name: value for name, value in given.items() if value not in (None, ())}
    options = replace(said.serve, **changes)
    # Refused here, before anything listens.
    _ = options.hosts
    token = _token(said, options, token_file)
    try:
        from recommender.service.processes import Supervisor
    except ImportError as error:
        raise EmbedderUnavailable(
            f"the service needs libraries that are not installed ({error.name}): run in the "
            f"checkout {install_command('serve')}"
        ) from error
    Supervisor(
        index=index.absolute(),
        options=options,
        token=token,
        say=lambda address: say(f"Serving {index} at {address}"),
    ).run()


def _token(said: Settings, options: ServeOptions, token_file: str | None) -> str | None:
    """The token; none where only the anonymous calls are answered.

    Raises
    ------
    ConfigError
        If there is none, or it is not safe.
    """
    if options.public_only:
        return None
    named = token_file or (str(said.folder / options.token_file) if options.token_file else "")
    given = os.environ.get(options.token_env, "")
    if given and not token_file:
        return checked_token(given, f"the variable {options.token_env}")
    if not named:
        raise ConfigError(
            f"the service needs a token: set the variable {options.token_env} to one that "
            'python -c "import secrets; print(secrets.token_urlsafe(32))" makes, name a file with '
            "--token-file, or answer only what needs none with --public-only"
        )
    try:
        with Path(named).open(encoding="ascii") as file:
            return checked_token(file.read(_LONGEST_TOKEN_FILE), named)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the token in {named}: {error}") from error
