"""What a statement is: an INSERT with data behind it, a query that can be streamed, or anything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from deploy.clickhouse.errors import ClickHouseError

_COMMENT = rb"/\*.*?\*/|--[^\n]*|//[^\n]*|#[! ][^\n]*"
_TOKEN = re.compile(
    _COMMENT + rb"|\s+|'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|[A-Za-z_][\w$]*|.", re.S
)
_GAP = rb"(?:\s|/\*.*?\*/|--[^\n]*\n|//[^\n]*\n|#[^\n]*\n)*"

# The grants close table functions and engines. These have no grant: a scalar function that reads any file
# the process can, one that reads this process's own Python variables, one that runs programs, and the
# shell's ways to name a file. They are looked for in the raw text, strings and comments included, so that
# no trick of quoting hides them; a literal that looks like one is refused too, and can be a parameter.
_FORBIDDEN: Final = re.compile(
    rb"\b(?:file|python|executable|executablepool)\b[`\"]?" + _GAP + rb"\("
    rb"|[`\"][^`\"]*\\[^`\"]*[`\"]" + _GAP + rb"\("
    rb"|\b(?:outfile|infile)\b",
    re.I | re.S,
)
_ENGINE: Final = re.compile(rb"\bengine\b" + _GAP + rb"=?" + _GAP + rb"[`\"]?(\w+)", re.I | re.S)
_FOREIGN_ENGINES: Final = re.compile(
    rb"(?i)^(filesystem|mysql|postgresql|materialized\w+|sqlite|s3|hdfs|datalakecatalog|backup|mongodb|url|file|"
    rb"executable\w*|odbc|jdbc|redis|kafka|nats|rabbitmq|azure\w*|remote\w*|arrowflight|ytsaurus)$"
)
_STREAMED: Final = frozenset({b"SELECT", b"WITH", b"FROM", b"("})
_HEADED_BY_SELECT: Final = frozenset({b"SELECT", b"WITH"})


@dataclass(frozen=True, slots=True)
class Statement:
    text: bytes
    """The statement; of an INSERT with data, everything before FORMAT or VALUES."""
    data_format: str = ""
    """The format of the data that follows, where this is an INSERT with data."""
    data: bytes = b""
    """The first bytes of that data, as far as they came with the statement."""
    streamed: bool = False
    """Whether it is a query whose rows can be fetched block by block."""
    output_format: str = ""
    """The format it asks for by FORMAT, or empty."""

    @property
    def takes_data(self) -> bool:
        return bool(self.data_format)


def parse(text: bytes) -> Statement:
    """Looks at as much as is needed. Raises ClickHouseError for what is empty or refused here."""
    words = _words(text)
    first = next(words, None)
    if first is None:
        raise ClickHouseError.make(62, "SYNTAX_ERROR", "Empty query.")
    if first[0] == b"INSERT":
        for word, _, end in words:
            if word == b"FORMAT":
                name = next(words, (b"", end, end))
                guard(text[: name[2]])
                return Statement(
                    text[: end - 6], text[name[1] : name[2]].decode(), _after_format(text[name[2] :])
                )
            if word == b"VALUES":
                guard(text)
                return Statement(text[: end - 6], "Values", text[end:])
            if word in _HEADED_BY_SELECT:
                break
        guard(text)
        return Statement(text)
    guard(text)
    tokens = [first, *words]
    _check_single(tokens)
    # Streaming loses the extra block of WITH TOTALS.
    streamed = first[0] in _STREAMED and not re.search(rb"\btotals\b", text, re.I)
    return Statement(text, streamed=streamed, output_format=_output_format(tokens, text))


def guard(text: bytes) -> None:
    """Refuses what reaches outside the tables. Raises ClickHouseError 497."""
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise _denied(found[0])
    for found in _ENGINE.finditer(text):
        if _FOREIGN_ENGINES.match(found[1]):
            raise _denied(found[0])


def _denied(what: bytes) -> ClickHouseError:
    shown = what.decode(errors="replace")[:60]
    return ClickHouseError.make(
        497,
        "ACCESS_DENIED",
        f"This server does not read or write files, programs or other servers, and {shown!r} looks like it. "
        "If it is only text, pass it as a query parameter.",
    )


def _words(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(token in upper case, start, end) outside parentheses; comments and blanks left out."""
    depth = 0
    for token in _TOKEN.finditer(text):
        value = token[0]
        if value.isspace() or (len(value) > 1 and value[:2] in (b"/*", b"--", b"//", b"# ", b"#!")):
            continue
        if depth == 0:
            yield value.upper(), token.start(), token.end()
        if value == b"(":
            depth += 1
        elif value == b")":
            depth -= 1


def _check_single(words: list[tuple[bytes, int, int]]) -> None:
    ends = [at for at, (word, _, _) in enumerate(words) if word == b";"]
    if ends and any(word != b";" for word, _, _ in words[ends[0] :]):
        raise ClickHouseError.make(
            62, "SYNTAX_ERROR", "Multi-statements are not allowed: send one statement a request."
        )


def _output_format(words: list[tuple[bytes, int, int]], text: bytes) -> str:
    for at in range(len(words) - 2, 0, -1):
        word = words[at][0]
        after = words[at + 2][0] if at + 2 < len(words) else b";"
        if word == b"FORMAT" and after in (b";", b"SETTINGS"):
            return text[words[at + 1][1] : words[at + 1][2]].decode(errors="replace")
    return ""


def _after_format(rest: bytes) -> bytes:
    """The data begins after blanks, at most one semicolon and one line end, as in the server."""
    found = re.match(rb"[ \t\f]*;?[ \t\f]*\r?\n?", rest)
    return rest[found.end() :] if found else rest
