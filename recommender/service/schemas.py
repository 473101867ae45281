"""What is sent and answered, as pydantic models: the OpenAPI document is made of them.

An unknown field is an error, so that a slip of the pen is noticed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from recommender.records import MAX_FIELD_LENGTH, MAX_ID_LENGTH
from recommender.reports.service_page import LEAST_CUT
from recommender.service import examples
from recommender.service.related import DEFAULT_LIMIT, MOST_LISTED

Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID_LENGTH)]
Moment = Annotated[str, StringConstraints(max_length=64)]
Text = Annotated[str, StringConstraints(max_length=MAX_FIELD_LENGTH)]
Similarity = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Verdict = Literal["same-text", "same-story", "related", "unrelated"]
Relation = Literal["copy", "contains", "contained-in", "template", "translation", "other"]
# Below, everything is a near-duplicate of everything, which takes a minute to say.
Cut = Annotated[float, Field(ge=LEAST_CUT, le=1, allow_inf_nan=False)]


class Given(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ArticleGiven(Given):
    """An article as a CMS has it; only the body is needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ARTICLE]})

    id: Id | int | None = Field(None, description="As the CMS names it; a number is as good.")
    title: Text = ""
    body: str = Field(description="HTML or plain text.")
    url: Text = ""
    date: Moment | None = Field(
        None, description="ISO 8601 or as CMS write it; without a zone it is of the index's."
    )
    category: Text = ""
    language: Text = Field("", description='Primary tag, as in "zh"; found out where it is empty.')
    source: Text = ""
    site: Text = ""
    excerpt: bool = Field(False, description="The body is only a part of the text.")
    visible_from: Moment | None = Field(None, description="Public from this moment on.")
    visible_until: Moment | None = Field(None, description="Public until just before this moment.")
    access: Literal["public", "members", "hidden"] = "public"
    extra: dict[str, Any] = Field(default_factory=dict, description="Kept as it is.")


class NamedArticle(ArticleGiven):
    """An article with its id."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**examples.ID, **examples.ARTICLE}]})

    id: Id | int = Field(description="As the CMS names it; a number is as good.")


class ThresholdsGiven(Given):
    """Where similarity turns into a verdict; what is left out is as in the index."""

    same_text: Cut | None = None
    same_story: Cut | None = None
    related: Cut | None = None


class Asked(Given):
    """An article by its id, or one that need not be in the index."""

    id: Id | None = Field(None, description="Of an article in the index.")
    article: ArticleGiven | None = Field(None, description="A draft; nothing is stored.")
    min_similarity: Similarity | None = Field(
        None, description="Of what is listed; by default the threshold that fits the question."
    )
    thresholds: ThresholdsGiven = Field(default_factory=ThresholdsGiven)

    @model_validator(mode="after")
    def _one_of_both(self) -> Asked:
        if (self.id is None) == (self.article is None):
            raise PydanticCustomError("either", "Give either id or article.")
        return self


class RelatedAsked(Asked):
    """What is asked of a related list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"article": examples.ARTICLE, "limit": 5}, {**examples.ID, "limit": 5}]
        }
    )

    limit: int = Field(DEFAULT_LIMIT, ge=0, le=MOST_LISTED, description="Most matches.")
    categories: list[Text] = Field(
        default_factory=list, max_length=100, description="Only of these; empty is any."
    )
    fill: Literal["category", "latest"] | None = Field(
        None, description="Add the newest articles, of the category or of all, in filler."
    )
    public_only: bool = Field(True, description="Leave out what readers may not see now.")


class NearDuplicatesAsked(Asked):
    """What is asked before publishing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"article": examples.ARTICLE}]})

    limit: int = Field(10, ge=0, le=50, description="Most matches.")
    public_only: bool = Field(False, description="Leave out what readers may not see now.")


def _kind_of_side(side: Any) -> str | None:
    if isinstance(side, str):
        return "of an id"
    return "of an article" if isinstance(side, (dict, ArticleGiven)) else None


# Errors are those of the kind that was meant, not those of both.
Side = Annotated[
    Annotated[Id, Tag("of an id")] | Annotated[ArticleGiven, Tag("of an article")],
    Discriminator(
        _kind_of_side,
        custom_error_type="side",
        custom_error_message="Give an id or an article.",
    ),
]


class CompareAsked(Given):
    """Two articles, by their ids or as drafts."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"first": "cms-4812", "second": examples.ARTICLE}]}
    )

    first: Side = Field(description="An id, or a draft.")
    second: Side = Field(description="An id, or a draft.")
    thresholds: ThresholdsGiven = Field(default_factory=ThresholdsGiven)


class BatchGiven(Given):
    """Several articles, each with its id."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"articles": [{**examples.ID, **examples.ARTICLE}]}]}
    )

    articles: list[NamedArticle] = Field(min_length=1)


class PublicCard(BaseModel):
    """What anybody may see of a public article."""

    id: str
    title: str
    url: str
    date: str | None
    category: str
    source: str
    site: str
    language: str


class EditorCard(PublicCard):
    """What an editor sees of an article."""

    visible_from: str | None
    visible_until: str | None
    access: Literal["public", "members", "hidden"]
    excerpt: bool


class RelatedMatch(BaseModel):
    """One article of a related list."""

    rank: int
    similarity: Similarity
    verdict: Verdict
    article: PublicCard


class FillerItem(BaseModel):
    """An article that fills the box although it does not match."""

    reason: Literal["category", "latest"]
    article: PublicCard


class RelatedList(BaseModel):
    """A related list, each story once; never padded in silence."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.RELATED_LIST]})

    article: str
    index_version: str
    matches: list[RelatedMatch]
    reason: str = Field(description="Why there are fewer than asked for; empty when not.")
    filler: list[FillerItem]


class Passage(BaseModel):
    """Wording that both articles have; places are characters of the cleaned texts."""

    first_start: int
    first_end: int
    second_start: int
    second_end: int
    text: str = Field(description="The beginning of it, at most 300 characters.")


class EvidenceShown(BaseModel):
    """Why two articles are as close as they are; null means: cannot be judged."""

    cosine: float | None = Field(description="Of the centred embeddings, -1 to 1.")
    resemblance: float | None = Field(description="Shared wording over all wording, 0 to 1.")
    containment: float | None = Field(description="Share of the shorter text in the longer one.")
    title_overlap: float | None = Field(description="Shared wording of the titles, 0 to 1.")
    fact_overlap: float | None = Field(
        description="Share of the facts of the article with fewer that both have."
    )
    days_apart: float | None = Field(description="Between the two dates.")
    length_ratio: float | None = Field(description="Shorter text over longer one, 0 to 1.")
    same_text: bool = Field(description="Equal but for case, width, script and punctuation.")
    same_title: bool = Field(description="The same of the titles.")
    same_language: bool
    first_share: float = Field(description="Share of the first text that is shared wording.")
    second_share: float = Field(description="The same of the second text.")
    passages: list[Passage] = Field(description="Shared wording, longest first, at most 20.")
    shared_facts: list[str] = Field(description="Figures, dates and names that both have.")
    differing_facts: list[tuple[str, str]] = Field(
        description="Figures and names that differ in a sentence that both have."
    )
    only_first_facts: list[str] = Field(description="Facts that only the first has.")
    only_second_facts: list[str] = Field(description="Facts that only the second has.")


class NearMatch(BaseModel):
    """A near-duplicate with its evidence."""

    rank: int
    similarity: Similarity
    verdict: Verdict
    relation: Relation
    decision: Literal["duplicate", "distinct"] | None
    article: EditorCard
    evidence: EvidenceShown


class NearDuplicates(BaseModel):
    """Near-duplicates, closest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.NEAR_DUPLICATES]})

    index_version: str
    lexical: bool = Field(description="Whether a draft was compared without the model.")
    thresholds: dict[str, float]
    matches: list[NearMatch]
    reason: str


class ComparisonShown(BaseModel):
    """Everything about one pair."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.COMPARISON]})

    index_version: str
    first: EditorCard
    second: EditorCard
    similarity: Similarity
    verdict: Verdict
    relation: Relation
    decision: Literal["duplicate", "distinct"] | None
    evidence: EvidenceShown


class Changed(BaseModel):
    """What a change did; it is on disk, and every worker sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.CHANGED]})

    index_version: str
    added: int
    updated: int
    unchanged: int


class Health(BaseModel):
    """That the service is there."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether requests can be answered."""

    status: Literal["ready", "unready"]
    model: Literal["ready", "loading", "unavailable", "none"] = Field(
        description="Of drafts; related lists need none."
    )


class FieldProblem(BaseModel):
    """What is wrong with which field."""

    where: str
    what: str


class ProblemShown(BaseModel):
    """An error, as of RFC 9457."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROBLEM]})

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list)
