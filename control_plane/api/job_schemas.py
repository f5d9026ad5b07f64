"""Jobs of many passes, tables and sheets as JSON. What a value may be is for the services to say."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr

from control_plane.api.pass_schemas import HolderIn
from control_plane.api.schemas import BIGINT, Moment, RowId, Strict

JobStates = Literal["waiting", "running", "done", "cancelled", "failed"]


class JobRowIn(HolderIn):
    """Who holds a pass of a job, and what is its own."""

    valid_from: Moment | None = Field(None, description="The job's unless told.")
    valid_until: Moment | None = None
    max_uses: StrictInt | None = None


class JobIn(Strict):
    """Many passes to issue: `count` for nobody in particular, or one for each of `holders`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"count": 20000, "name": "Day tickets"},
                {"holders": [{"name": "Ada Lovelace", "plate": "B AL 1815", "max_uses": 3}]},
            ]
        },
    )

    count: StrictInt | None = Field(None, description="1 to 50,000.")
    holders: list[JobRowIn] | None = Field(None, description="1 to 50,000.")
    name: StrictStr = Field("", description="What you call this job; at most 80 characters.", max_length=400)
    issuer_id: RowId | None = None
    valid_from: Moment | None = Field(None, description="The program's unless told.")
    valid_until: Moment | None = None
    max_uses: StrictInt | None = Field(None, description="Instead of the program's.")
    held: StrictBool = Field(False, description="On hold until somebody releases them.")
    email: StrictBool = Field(False, description="Send each one to its holder's address.")


class JobOut(Schema):
    """A job, and how far it is."""

    id: int
    program_id: int
    issuer_id: int | None
    name: str
    state: JobStates
    total: int
    done: int = Field(description="Passes made so far.")
    left_out: int = Field(description="Rows of the table that were left out.")
    problem: str = Field(description="Why it failed, in a sentence.")
    email: bool = Field(description="Each pass is sent to its holder's address.")
    created_at: datetime
    touched_at: datetime = Field(description="When it last went on.")
    ended_at: datetime | None


class JobPage(Schema):
    """Jobs, newest first."""

    data: list[JobOut]
    next: str | None


class ColumnOut(Schema):
    """A column, and what it was taken for."""

    name: str
    kind: str = Field(description="name, email, …; `field`: one of your own; `ignored`: it has no name.")


class FaultOut(Schema):
    """Something that is wrong with a row, or there twice."""

    line: int
    column: str
    value: str
    message: str


class TableOut(Schema):
    """What was found in a table."""

    encoding: str
    encoding_is_guess: bool
    separator: str
    columns: list[ColumnOut]
    rows: int
    good: int
    bad: int
    repeated: int = Field(description="Good rows that may be there twice.")
    first: list[dict[str, Any]] = Field(description="The first 20 good rows as they were understood.")
    faults: list[FaultOut] = Field(description="The first 1,000.")
    repeats: list[FaultOut] = Field(description="The first 1,000.")


class CsvQuery(Schema):
    """What to do with a table, and what its passes share."""

    check: bool = Field(False, description="Only say what is in it.")
    skip: bool = Field(
        False, description="Leave out rows that are wrong or there twice, instead of refusing."
    )
    repeats: bool = Field(False, description="Issue rows that are there twice.")
    name: str = Field("", max_length=400, description="What you call this job; at most 80 characters.")
    issuer_id: int | None = Field(None, ge=1, le=BIGINT, description="Who issues them.")
    valid_from: Moment | None = Field(None, description="Of rows that have none; the program's unless told.")
    valid_until: Moment | None = Field(None, description="Of rows that have none.")
    max_uses: int | None = Field(
        None, ge=1, le=100_000, description="Of rows that have none; the program's unless told."
    )
    held: bool = Field(False, description="On hold until somebody releases them.")
    email: bool = Field(False, description="Send each one to its holder's address.")


class SheetQuery(Schema):
    """Which passes, and what their sheet looks like."""

    job_id: int | None = Field(None, ge=1, le=BIGINT, description="The passes of this job, or")
    numbers: str = Field("", max_length=10_000, description="these, such as 1-100, 205; at most 1,000.")
    part: int = Field(1, ge=1, le=1_000, description="Of a job with more than 10,000 passes.")
    layout: str = Field("2x4", max_length=20, description="1, 2x4, 3x8, badge, lanyard or receipt.")
    paper: str = Field("a4", max_length=20, description="a4 or letter.")
    title: str | None = Field(None, max_length=400, description="The program's name unless told.")
    lines: str | None = Field(
        None, max_length=1_000, description="At most 4, with line feeds between; when and where unless told."
    )
    issuer: str = Field("", max_length=400, description="Issued by.")
    note: str = Field("", max_length=1_000, description="Small print.")
    cut_marks: bool = Field(True, description="Where several passes are on a page.")
