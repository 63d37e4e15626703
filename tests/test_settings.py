"""Settings refuse what would be silently wrong, and say which field it was."""

import pytest

from botlib import parameters
from botlib.errors import BotlibError
from botlib.settings import NOTEBOOKS, DataSettings, PostSettings, RealismSettings, comma_list


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
        ({"source": "csv"}, "source must be one of bigquery, dumps, sample; not 'csv'"),
        ({"depth": -1}, "depth must be at least 0, not -1"),
    ],
)
def test_a_value_out_of_range_names_the_field(values, line):
    with pytest.raises(BotlibError, match=line):
        DataSettings(**values)


def test_subreddits_may_be_written_as_people_write_them():
    assert comma_list("r/College, /r/GradSchool,,writing ") == ["College", "GradSchool", "writing"]


@pytest.mark.parametrize("profile", parameters.profiles())
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_profile_fits_every_notebook(profile, notebook):
    values = parameters.profile_values(profile, notebook)
    parameters.make(NOTEBOOKS[notebook], values)


def test_what_is_changed_in_the_cell_wins_over_the_profile():
    namespace = {"profile": "demo", "seed": 7, "fake_comments": RealismSettings().fake_comments}
    settings = parameters.load(RealismSettings, namespace)
    assert settings.seed == 7
    # left at its default, so the profile decides
    assert (
        settings.fake_comments
        == parameters.profile_values("demo", "03_bert_realism")["fake_comments"]
    )


def test_an_injected_default_wins_over_the_profile():
    default = RealismSettings().fake_comments
    cell = f"# Parameters\nfake_comments = {default}\n"
    settings = parameters.load(
        RealismSettings, {"profile": "demo", "fake_comments": default, "In": ["", cell]}
    )
    assert settings.fake_comments == default


def test_a_parameter_papermill_would_only_warn_of_is_an_error():
    cell = "# Parameters\ntreshold = 0.5\n"
    with pytest.raises(BotlibError, match="no setting is called 'treshold'"):
        parameters.load(PostSettings, {"profile": "demo", "treshold": 0.5, "In": [cell]})


def test_an_unknown_option_is_an_error():
    with pytest.raises(BotlibError, match="no setting is called 'stepz'"):
        parameters.load(PostSettings, {"profile": "demo", "options": {"stepz": 1}})


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(BotlibError, match="colab, demo, laptop; not 'phone'"):
        parameters.load(PostSettings, {"profile": "phone"})
