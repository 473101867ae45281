"""Answers as tables for people, and as rows for programs."""

from recommender.reports.decisions import decision_rows, decisions_text
from recommender.reports.diagnosis import diagnosis_row, diagnosis_text
from recommender.reports.duplicate_page import duplicates_page
from recommender.reports.duplicate_payload import comparison_payload
from recommender.reports.duplicates import FIELDS as REPORT_FIELDS
from recommender.reports.duplicates import report_json, report_rows, report_text, summary_row
from recommender.reports.explained import explanation_note, explanation_text
from recommender.reports.labelling import (
    pair_rows,
    pairs_text,
    thresholds_text,
    tuning_row,
    tuning_text,
)
from recommender.reports.pages import explanation_page
from recommender.reports.pictures import check_pictures, picture_kind, tuning_picture
from recommender.reports.preview_page import preview_page
from recommender.reports.redirects import (
    apache_map,
    canonical_lines,
    fits_apache,
    left_out_rows,
    nginx_map,
    redirect_rows,
)
from recommender.reports.rows import (
    comparison_row,
    explanation_row,
    filler_rows,
    info_row,
    match_rows,
    problem_rows,
)
from recommender.reports.syncs import sync_line, sync_notes, sync_row
from recommender.reports.tables import (
    comparison_text,
    groups_text,
    info_text,
    matches_text,
    printable,
    problems_text,
)
from recommender.reports.wording import LANGUAGES
from recommender.reports.writers import FORMATS, render_rows

__all__ = [
    "FORMATS",
    "LANGUAGES",
    "REPORT_FIELDS",
    "apache_map",
    "canonical_lines",
    "check_pictures",
    "comparison_payload",
    "comparison_row",
    "comparison_text",
    "decision_rows",
    "decisions_text",
    "diagnosis_row",
    "diagnosis_text",
    "duplicates_page",
    "explanation_note",
    "explanation_page",
    "explanation_row",
    "explanation_text",
    "filler_rows",
    "fits_apache",
    "groups_text",
    "info_row",
    "info_text",
    "left_out_rows",
    "match_rows",
    "matches_text",
    "nginx_map",
    "pair_rows",
    "pairs_text",
    "picture_kind",
    "preview_page",
    "printable",
    "problem_rows",
    "problems_text",
    "redirect_rows",
    "render_rows",
    "report_json",
    "report_rows",
    "report_text",
    "summary_row",
    "sync_line",
    "sync_notes",
    "sync_row",
    "thresholds_text",
    "tuning_picture",
    "tuning_row",
    "tuning_text",
]
