import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.language import LANGUAGES, best_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("pt-BR,pt;q=0.9,es;q=0.5,en;q=0.4", "es"),
        ("en;q=0.2, fr;q=0.7", "fr"),
        ("zh-Hans-CN", "zh"),
        ("ja", "en"),
        ("ja,*;q=0.5", "en"),
        ("en;q=0,*;q=0.5", "es"),
        ("fr;q=0", "en"),
        ("FR", "fr"),
        ("fr;q=nan,de;q=0.1", "de"),
        ("fr,de", "fr"),
    ],
)
def test_the_best_of_our_languages_is_chosen(header, language):
    assert best_language(header) == language


@given(st.text())
def test_any_header_gets_a_language(header):
    assert best_language(header) in LANGUAGES


@given(
    st.lists(
        st.tuples(st.sampled_from(LANGUAGES), st.integers(1, 1000)),
        min_size=1,
        unique_by=lambda pair: pair[0],
    )
)
def test_the_highest_weight_wins(ranges):
    header = ", ".join(f"{language};q={weight / 1000:.3f}" for language, weight in ranges)
    best = max(weight for _, weight in ranges)
    assert best_language(header) == next(language for language, weight in ranges if weight == best)
