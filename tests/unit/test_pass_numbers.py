"""Numbers of passes as people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.passes.errors import Invalid
from control_plane.passes.numbers import MOST_NUMBERS, Numbers


@given(st.sets(st.integers(0, 10**15 - 1), min_size=1, max_size=50) | st.sets(st.integers(0, 60), min_size=1))
def test_what_is_written_is_read_again(numbers: set[int]) -> None:
    assert Numbers.read(Numbers.write(list(numbers))) == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("7", [7]),
        (" 3 - 5 ,\t9\n", [3, 4, 5, 9]),
        ("1–2; 4−5", [1, 2, 4, 5]),
        ("#12, #3", [3, 12]),
        ("2-2 2", [2]),
        ("1-1000, 5 7-900", list(range(1, 1001))),
        ("1,2,33,4", [1, 2, 4, 33]),
        ("1234, 567", [567, 1234]),
    ],
)
def test_what_people_write(text: str, numbers: list[int]) -> None:
    assert Numbers.read(text) == numbers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Write numbers or ranges, such as 1-100, 205."),
        (" \u00a0,", "Write numbers or ranges, such as 1-100, 205."),
        ("all", "“all” is no number. Write numbers or ranges, such as 1-100, 205."),
        ("1-", "“1-” is no number. Write numbers"),
        ("-1", "“-1” is no number."),
        ("²", "“²” is no number."),
        ("1" * 9000, f"“{'1' * 40}” is no number."),
        ("9-2", "Write the smaller number first: 2-9."),
        ("1,234", "“1,234” may be one number or several. Write 1234, or 1, 234."),
        ("5, 12,345,678", "“12,345,678” may be one number or several. Write 12345678, or 12, 345, 678."),
        (f"1-{MOST_NUMBERS + 1}", "Name at most 1,000 passes at once, such as 1-1000."),
        ("0-999999999999999", "Name at most 1,000 passes at once"),
        ("1-1000 1001", "Name at most 1,000 passes at once"),
    ],
)
def test_what_is_none(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=re.escape(said)):
        Numbers.read(text)
