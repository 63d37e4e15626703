"""Settings refuse what would be silently wrong, and say which field it was."""

import contextlib
import dataclasses

import pytest

from botlib.errors import BotlibError
from botlib.fields import loosened
from botlib.gpt2.decoder import Decoder
from botlib.settings import (
    DataSettings,
    GenerateSettings,
    PostSettings,
    RealismSettings,
    Sampling,
    comma_list,
)


def test_the_text_false_is_not_false():
    with pytest.raises(BotlibError, match="06_discriminate_and_post: dry_run must be boolean"):
        PostSettings(dry_run="false")


def test_a_boolean_is_not_a_number():
    with pytest.raises(BotlibError, match="seed must be whole number"):
        DataSettings(seed=True)


def test_a_whole_number_will_do_where_a_number_is_wanted():
    value = PostSettings(threshold=1).threshold
    assert isinstance(value, float)
    assert value == 1.0


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"source": "csv"}, "source must be one of archive, dumps, bigquery, sample; not 'csv'"),
        ({"depth": -1}, "depth must be at least 0, not -1"),
    ],
)
def test_a_value_out_of_range_names_the_field(values, line):
    with pytest.raises(BotlibError, match=line):
        DataSettings(**values)


def test_subreddits_may_be_written_as_people_write_them():
    assert comma_list("r/College, /r/GradSchool,,writing ") == ["College", "GradSchool", "writing"]


@pytest.mark.parametrize("field", Sampling.names())
def test_a_decoder_and_the_settings_it_comes_from_have_the_same_limits(field):
    """top_p=0 passed the settings, and failed hours later where GPT-2 wrote."""
    for wrong in (-1, 0, 5, 1000):
        refused = []
        for kind in (Decoder, RealismSettings, GenerateSettings):
            with contextlib.suppress(BotlibError):
                kind(**{"max_tokens": 900, field: wrong})
                continue
            refused.append(kind)
        assert len(refused) in (0, 3), (field, wrong, refused)


def test_top_p_zero_is_refused_before_anything_is_written():
    with pytest.raises(BotlibError, match="05_generate: top_p must be above 0"):
        GenerateSettings(top_p=0)


@pytest.mark.parametrize("settings", [DataSettings, GenerateSettings])
@pytest.mark.parametrize("empty", ["", " , "])
def test_no_subreddits_is_an_error_not_the_defaults(settings, empty):
    with pytest.raises(BotlibError, match=r"subreddits is empty: name at least one, such as"):
        settings(subreddits=empty)


def test_a_pause_longer_than_the_longest_is_refused():
    with pytest.raises(BotlibError, match="min_pause_minutes 20 is above max_pause_minutes 11"):
        PostSettings(min_pause_minutes=20)


@pytest.mark.parametrize(
    ("name", "looser", "not_looser"),
    [
        ("max_per_day", (0, 11), (10, 3)),
        ("max_per_subreddit_hour", (0, 5), (1,)),
        ("min_pause_minutes", (0, 0.5), (1, 5)),
        ("max_pause_minutes", (0,), (11, 30)),
        ("delete_below", (-50,), (-1, 0)),
        ("threshold", (0.5,), (0.9, 0.99)),
        ("approval_hours", (0, 500), (48, 1)),
        ("allowed_subreddits", ("writing",), ("",)),
        ("dry_run", (False,), (True,)),
        ("approve", ("sandbox",), ("person",)),
    ],
)
def test_each_limit_knows_which_values_are_looser(name, looser, not_looser):
    assert all(loosened(PostSettings, name, value) for value in looser)
    assert not any(loosened(PostSettings, name, value) for value in not_looser)


def test_every_limit_on_posting_says_what_is_looser():
    """A limit added without it could be lifted by a profile, on Reddit itself."""
    kinds = ("max_", "min_", "approv", "settle", "delete")
    limits = [name for name in PostSettings.names() if name.startswith(kinds)]
    assert len(limits) > 8
    for field in dataclasses.fields(PostSettings):
        if field.name in limits:
            assert "looser" in field.metadata, field.name
