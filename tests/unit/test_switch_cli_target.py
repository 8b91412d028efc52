"""What an admin may write as a target, and what it means."""

from __future__ import annotations

import pytest

from support.offers import offer
from switchroom.box.switch import target
from switchroom.core.errors import ExitCode, SwitchroomError

OFFERS = (
    offer("22", "22.9.0-1"),
    offer("22", "22.10.1-1"),
    offer("22", "22.10.1-2"),
    offer("certified-22.8", "22.8cert4-1"),
    offer("20", "20.21.0-1"),
)


@pytest.mark.parametrize(
    ("word", "engine"),
    [
        ("22", "22.10.1-2"),
        ("20", "20.21.0-1"),
        ("22.10.1", "22.10.1-2"),
        ("22.10.1-1", "22.10.1-1"),
        ("22.9.0", "22.9.0-1"),
        ("certified-22.8", "22.8cert4-1"),
        ("22.8cert4", "22.8cert4-1"),
    ],
)
def test_a_word_means_the_newest_engine_it_names(word: str, engine: str) -> None:
    assert target.find(word, OFFERS).engine.name == engine


@pytest.mark.parametrize("word", ["22.1", "2", "23", "asterisk22", ""])
def test_an_unknown_word_is_bad_usage_and_says_what_there_is(word: str) -> None:
    with pytest.raises(SwitchroomError) as refused:
        target.find(word, OFFERS)
    assert refused.value.code is ExitCode.USAGE
    assert f"'{word}'" in refused.value.message
    order = "'22.10.1-2', '22.10.1-1', '22.9.0-1', '22.8cert4-1', '20.21.0-1'"
    assert order in refused.value.hint


def test_without_any_offer_the_error_says_so() -> None:
    with pytest.raises(SwitchroomError) as refused:
        target.find("22", ())
    assert refused.value.hint == "No repository offers an Asterisk engine."


def test_series_are_listed_newest_first() -> None:
    series = target.by_series(OFFERS)
    assert list(series) == ["22", "certified-22.8", "20"]
    assert [one.engine.name for one in series["22"]] == ["22.10.1-2", "22.10.1-1", "22.9.0-1"]
