"""What goes wrong in a query: ClickHouse's own codes, and the HTTP status each travels with."""

import re
from typing import Final

_CODE = re.compile(r"Code: (\d+)\. ")

# As ClickHouse's HTTP handler maps its codes; every other code is a 500.
_STATUS: Final = {
    **dict.fromkeys((194,), 401),
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 99, 115, 336), 404),
    **dict.fromkeys(
        (6, 25, 26, 27, 36, 38, 41, 42, 43, 44, 53, 62, 69, 72, 117, 130, 167, 168, 184, 223), 400
    ),
    **dict.fromkeys((386, 376, 427, 456, 457, 373, 372, 374), 400),
    159: 408,
    165: 413,
    381: 411,
    48: 501,
    209: 503,
    439: 503,
}
# Sessions and parameters are plain exceptions to the server's handler, and so internal errors by status.
for _code in (372, 373, 374, 456, 457):
    del _STATUS[_code]


class ClickHouseError(Exception):
    """An exception as ClickHouse words it: `Code: N. DB::Exception: sentence. (NAME)`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status it is sent with."""
        return _STATUS.get(self.code, 500)

    @classmethod
    def make(cls, code: int, name: str, sentence: str) -> "ClickHouseError":
        return cls(code, f"Code: {code}. DB::Exception: {sentence} ({name})")

    @classmethod
    def from_engine(cls, error: BaseException) -> "ClickHouseError":
        """From what chDB raised. An error without a code is ClickHouse's 1002, an unknown exception."""
        text = str(error)
        found = _CODE.search(text)
        if found is None:
            return cls.make(1002, "UNKNOWN_EXCEPTION", text.strip() or type(error).__name__)
        return cls(int(found[1]), text[found.start() :].strip())


class CannotStart(Exception):
    """The server cannot start; the message is one sentence for a person."""
