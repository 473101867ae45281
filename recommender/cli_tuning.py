"""The commands for labelling and tuning: `pairs` and `tune`; thin over `Recommender`."""

from __future__ import annotations

from pathlib import Path

import click

from recommender import reports
from recommender.console import (
    changed_thresholds,
    emit,
    emit_bytes,
    index_option,
    output_option,
    page_width,
    say,
    settings,
    state_format_option,
    threshold_options,
    use_color,
    writable,
)
from recommender.engine import Recommender
from recommender.errors import LabelError
from recommender.labelling import LabelChange
from recommender.labels import LABEL_WORDS
from recommender.sources import read_labels


@click.command()
@index_option
@threshold_options
@click.option(
    "--between",
    type=click.FloatRange(0, 1),
    nargs=2,
    default=(0.5, 1.0),
    show_default=True,
    metavar="LOW HIGH",
    help="Similarities of the pairs, edges included.",
)
@click.option(
    "-n", "--count", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Pairs."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another one, other pairs.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(("csv", "jsonl", "table")),
    default="csv",
    show_default=True,
    help="How the pairs are written.",
)
@output_option
def pairs(
    index: Path,
    changes: dict[str, float],
    between: tuple[float, float],
    count: int,
    seed: int,
    form: str,
    output: str,
) -> None:
    """Draw pairs of articles that are worth labelling, uncertain ones first.

    From the whole band, more from around the thresholds, and no story twice. Pairs that are
    labelled already are left out. Fill in the column label in a spreadsheet: 4 same text,
    3 same story, 2 related, 1 loosely related, 0 unrelated (or a word: same-text, same-story,
    related, unrelated, 同文, 同事件, 相关, 无关; yes and no, 是 and 否 say whether the two are
    near-duplicates). Leave it empty where you cannot say. Then run "recommender tune".

    \b
    recommender pairs --between 0.6 0.9 -n 50 -o labelled.csv -i indexes/news
    """
    if between[0] > between[1]:
        raise click.BadParameter(
            f"{between[0]} is above {between[1]}; write the lower one first",
            param_hint="--between",
        )
    with Recommender.open(index) as opened:
        drawn = opened.pairs_to_label(
            count,
            between=between,
            seed=seed,
            thresholds=changed_thresholds(opened.thresholds, changes),
        )
        zone = opened.options.zone
    if form == "table":
        text = reports.pairs_text(drawn, width=page_width(), color=use_color(output), zone=zone)
    else:
        text = reports.render_rows(reports.pair_rows(drawn, zone=zone), form)
    emit(text, output)
    if len(drawn) < count:
        say(
            f"{len(drawn):,} of {count:,}: no other story has candidate pairs between "
            f"{between[0]:.2f} and {between[1]:.2f}."
        )
    if drawn and form != "table":
        where = output if output != "-" else "labelled.csv"
        say(f"Fill in the column label ({LABEL_WORDS}), then: recommender tune {where} -i {index}")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@index_option
@threshold_options
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="P",
    help="Propose the least threshold that reaches this precision.  [default: best F1]",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="R",
    help="Propose the greatest threshold that reaches this recall.",
)
@click.option(
    "--picture",
    type=click.Path(dir_okay=False),
    callback=writable,
    metavar="FILE",
    help="Draw the curves into a .svg or .png file.",
)
@click.option(
    "--origin",
    default="editor",
    show_default=True,
    metavar="NAME",
    help="Whose labels these are; a new label replaces the old one of the same origin.",
)
@click.option("--save", is_flag=True, help="Store thresholds and labels in the index.")
@state_format_option
@output_option
def tune(
    files: tuple[str, ...],
    index: Path,
    changes: dict[str, float],
    precision: float | None,
    recall: float | None,
    picture: str | None,
    origin: str,
    save: bool,
    form: str,
    output: str,
) -> None:
    """Show what labelled pairs say of the thresholds, and propose others.

    Reads what "recommender pairs" wrote, after the column label was filled in; without FILE,
    the labels kept in the index. Precision, recall and F1 come with intervals of 95 %. Nothing
    is stored without --save.

    \b
    recommender tune labelled.csv -i indexes/news
    recommender tune labelled.csv --precision 0.95 --picture curves.svg -i indexes/news
    recommender tune labelled.csv --save -i indexes/news
    """
    if precision is not None and recall is not None:
        raise click.UsageError("give --precision or --recall, not both")
    kind = reports.picture_kind(picture) if picture else ""
    if picture:
        reports.check_pictures()
    limits = settings(click.get_current_context()).limits
    given = read_labels(files, origin=origin, limits=limits) if files else None
    if given is not None and not given.labels:
        names = ", ".join("standard input" if each == "-" else each for each in files)
        raise LabelError("no row has a label; fill in the column label", source=names)
    with Recommender.open(index) as opened:
        tuning = opened.tune(
            None if given is None else given.labels,
            precision=precision,
            recall=recall,
            thresholds=changed_thresholds(opened.thresholds, changes),
        )
        if form == "table":
            text = reports.tuning_text(tuning, color=use_color(output))
        else:
            text = reports.render_rows([reports.tuning_row(tuning)], "json")
        emit(text, output)
        if picture:
            emit_bytes(reports.tuning_picture(tuning, kind), picture)
        if given is not None and given.unlabelled:
            say(f"{given.unlabelled:,} rows without a label were skipped.")
        if save:
            labels = () if given is None else given.labels
            if any(each.proposed for each in tuning.proposals):
                change = opened.set_thresholds(tuning.thresholds, labels=labels)
                say(f"{index}: thresholds {reports.thresholds_text(tuning.thresholds)}.")
                _warn_of_settings()
            else:
                change = opened.add_labels(labels)
                say(f"{index}: the thresholds stay, because the labels propose none.")
            _say_kept(index, change)
        else:
            say("Nothing was stored; add --save to the same command to store this in the index.")


def _say_kept(index: Path, change: LabelChange) -> None:
    missing = f", {change.missing:,} left out" if change.missing else ""
    say(
        f"{index}: {change.added:,} labels added, {change.replaced:,} replaced{missing}; "
        f"{change.total:,} in all."
    )


def _warn_of_settings() -> None:
    """A settings file that names thresholds wins over those in the index."""
    named = settings(click.get_current_context()).thresholds
    if named:
        say(
            f"Note: the settings file sets {', '.join(sorted(named))}, which goes before what is "
            "stored in the index; take it out to use the new thresholds."
        )
