"""One way in for settings: what a person wrote is what runs, and nothing is ignored in silence."""

import contextlib

import pytest
from hypothesis import example, given, strategies

from botlib import parameters
from botlib.__main__ import main
from botlib.errors import BotlibError
from botlib.parameters import Override, Source
from botlib.settings import (
    NOTEBOOKS,
    GenerateSettings,
    Gpt2Settings,
    PostSettings,
    RealismSettings,
)

POSTING = PostSettings.notebook


def injected(**values):
    """A namespace as papermill leaves it."""
    cell = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in values.items())
    return {**values, "In": ["", cell]}


def typed(*keys_and_texts, notebook=POSTING, who="-p"):
    given = [Override(who, key, text) for key, text in keys_and_texts]
    return parameters.from_command_line(notebook, given)


@pytest.mark.parametrize("profile", parameters.profiles())
@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_profile_fits_every_notebook(profile, notebook):
    assert parameters.of_profile(NOTEBOOKS[notebook], profile).notebook == notebook


# The parameters cell
@pytest.mark.parametrize("profile", parameters.profiles())
def test_a_value_in_the_cell_runs_even_if_it_is_the_default(profile):
    """Profile colab showed epochs = 1 and trained 2; the form could not set 1."""
    shown = {name: getattr(RealismSettings(), name) for name in ("epochs", "fake_comments", "seed")}
    settings = parameters.load(RealismSettings, {"profile": profile, **shown})
    assert {name: getattr(settings, name) for name in shown} == shown


def test_an_empty_field_leaves_the_setting_to_the_profile():
    empty = {"epochs": None, "encoder": "", "fake_comments": None}
    settings = parameters.load(RealismSettings, {"profile": "demo", **empty})
    assert (settings.epochs, settings.encoder, settings.fake_comments) == (6, "scratch:2x128", 900)


def test_the_demo_posts_nothing_once_the_cell_says_dry_run():
    assert parameters.load(PostSettings, {"profile": "demo", "dry_run": None}).dry_run is False
    assert parameters.load(PostSettings, {"profile": "demo", "dry_run": True}).dry_run is True


def test_the_notebook_shows_who_set_what():
    namespace = injected(epochs=7) | {"fakes_per_comment": 2, "options": {"max_pairs": 50}}
    shown = parameters.table(parameters.load(RealismSettings, {"profile": "demo", **namespace}))
    assert list(shown.columns) == ["setting", "value", "set by"]
    rows = {row["setting"]: (row["value"], row["set by"]) for row in shown.to_dict("records")}
    assert rows["epochs"] == ("7", "papermill")
    assert rows["fakes_per_comment"] == ("2", "cell")
    assert rows["max_pairs"] == ("50", "options")
    assert rows["encoder"] == ("scratch:2x128", "profile demo")
    assert "seed" not in rows  # left at its default


def test_a_default_that_overrules_the_profile_is_shown():
    settings = parameters.load(PostSettings, {"profile": "demo", "dry_run": True})
    assert settings.set_by["dry_run"] == "cell"


def test_the_cell_and_options_that_disagree_are_an_error():
    with pytest.raises(BotlibError, match=r"epochs is 2 by cell and 3 by options: leave one"):
        parameters.load(RealismSettings, {"epochs": 2, "options": {"epochs": 3}})
    same = parameters.load(RealismSettings, {"epochs": 2, "options": {"epochs": 2}})
    assert same.epochs == 2


# papermill
@pytest.mark.parametrize("wrong", ["false", "no", "", 0])
def test_papermills_text_false_never_makes_the_bot_post(wrong):
    with pytest.raises(BotlibError, match="dry_run must be boolean"):
        parameters.load(PostSettings, {"profile": "demo", **injected(dry_run=wrong)})


def test_an_injected_default_wins_over_the_profile():
    default = RealismSettings().fake_comments
    namespace = {"profile": "demo", **injected(fake_comments=default)}
    assert parameters.load(RealismSettings, namespace).fake_comments == default


def test_a_parameter_papermill_would_only_warn_of_is_an_error():
    with pytest.raises(BotlibError, match="no setting is called 'treshold'"):
        parameters.load(PostSettings, {"profile": "demo", **injected(treshold=0.5)})


def test_an_unknown_option_is_an_error():
    with pytest.raises(BotlibError, match="no setting is called 'stepz'"):
        parameters.load(PostSettings, {"profile": "demo", "options": {"stepz": 1}})


@pytest.mark.parametrize("profile", ["phone", ""])
def test_an_unknown_profile_names_those_there_are(profile):
    with pytest.raises(BotlibError, match=f"colab, demo, laptop, offline; not '{profile}'"):
        parameters.load(PostSettings, {"profile": profile})


# The command line
@pytest.mark.parametrize("text", ["no", "0", "False", "FALSE", "f", "off", "", "null", "~"])
def test_only_true_and_false_are_booleans(text):
    """`no` once meant False to one command and an error to the other."""
    with pytest.raises(BotlibError, match=f"dry_run must be true or false, not the text '{text}'"):
        typed(("dry_run", text))


@given(strategies.text())
@example("false ")
@example("fAlse")
def test_nothing_but_false_ever_turns_the_dry_run_off(text):
    with contextlib.suppress(BotlibError):
        (source,) = typed(("dry_run", text))
        assert source.values["dry_run"] is (text != "false")


def test_true_and_false_become_booleans():
    assert typed(("dry_run", "false"))[0].values == {"dry_run": False}
    assert typed(("dry_run", "true"))[0].values == {"dry_run": True}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("learning_rate", "2e-5", 2e-5),
        ("steps", "007", 7),
        ("run_name", "007", "007"),  # YAML would make a number of it
        ("run_name", "true", "true"),
    ],
)
def test_a_text_becomes_what_the_setting_is(key, text, value):
    assert typed((key, text), notebook="02_gpt2_finetune")[0].values == {key: value}


def test_a_text_that_is_no_number_names_notebook_and_setting():
    with pytest.raises(
        BotlibError, match="02_gpt2_finetune: steps must be whole number, not the text 'many'"
    ):
        typed(("steps", "many"), notebook="02_gpt2_finetune")


def test_two_that_disagree_are_an_error_whoever_they_are():
    sources = [*typed(("dry_run", "true")), *typed(("dry_run", "false"), who="--dry-run")]
    with pytest.raises(BotlibError, match="dry_run is True by -p and False by --dry-run"):
        parameters.settle(PostSettings, *sources)
    with pytest.raises(BotlibError, match=r"threshold is 0\.5 by -p and 0\.6 by -p"):
        parameters.settle(PostSettings, *typed(("threshold", "0.5"), ("threshold", "0.6")))


def test_a_notebooks_own_setting_goes_before_the_general_one():
    both = [("06.seed", "2"), ("seed", "1")]
    assert parameters.settle(PostSettings, *typed(*both)).seed == 2
    reading = parameters.settle(GenerateSettings, *typed(*both, notebook="05_generate"))
    assert reading.seed == 1


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("treshold", "no setting of any notebook is called 'treshold'; there are .*threshold"),
        ("05.threshold", "no setting of 05_generate is called 'threshold'"),
        ("03.epochs", "of 03_bert_realism is called 'epochs'; there are only settings of 05_gen"),
        ("09.seed", "no notebook is called '09'"),
    ],
)
def test_a_name_nobody_has_is_an_error(key, line):
    with pytest.raises(BotlibError, match=line):
        parameters.refuse_unknown(["05_generate", POSTING], [Override("-p", key, "1")])


def test_an_empty_list_never_means_all_of_reddit(tmp_path, capsys):
    """A shell variable that isn't set would load every subreddit, at a price."""
    places = ["--dumps", str(tmp_path), "--comments", "p.c", "--posts", "p.s"]
    command = ["load-bigquery", "--workspace", str(tmp_path / "w"), *places, "--subreddits", ""]
    assert main(command) == 1
    assert "--subreddits is empty: name at least one" in capsys.readouterr().err


# The live site
@pytest.mark.parametrize("profile", parameters.profiles())
def test_no_profile_loosens_anything_on_the_live_site(profile):
    """`bot --live` with the laptop's limits made ten posts in 1.2 seconds."""
    settings = parameters.of_profile(PostSettings, profile, reddit="live")
    strict = PostSettings()
    for name in PostSettings.names():
        if name not in ("reddit", "drive_root", "seed", "date"):
            assert getattr(settings, name) == getattr(strict, name), name


def test_the_start_says_what_the_live_site_does_not_take_from_a_profile():
    settings = parameters.of_profile(PostSettings, "offline", reddit="live")
    (line,) = [line for line in settings.warnings if line.startswith("min_pause_minutes")]
    assert line == (
        "min_pause_minutes=0.0 of profile offline does not count on the live site, 1.0 does: "
        "set min_pause_minutes yourself if you mean it"
    )
    assert settings.set_by.keys() == {"reddit"}


def test_a_person_may_loosen_and_the_start_says_so():
    settings = parameters.of_profile(PostSettings, "colab", reddit="live", max_per_day=100)
    assert settings.max_per_day == 100
    assert settings.warnings == (
        "max_per_day=100, set by changes, is looser on the live site than 10",
    )


def test_the_sandbox_takes_a_profile_as_it_is():
    settings = parameters.of_profile(PostSettings, "demo")
    assert (settings.dry_run, settings.approve, settings.min_pause_minutes) == (False, "sandbox", 0)
    assert settings.warnings == ()


def test_a_setting_cannot_approve_on_the_live_site():
    with pytest.raises(BotlibError, match="on the live site a person approves each reply"):
        parameters.of_profile(PostSettings, "demo", reddit="live", approve="sandbox")


# What is read may be answered, in the sandbox alone
@pytest.mark.parametrize(
    ("profile", "given", "allowed"),
    [
        ("offline", [("subreddits", "College")], "College"),
        ("demo", [("05.subreddits", "College")], "College"),
        ("demo", [], "writing,scifi,MachineLearning,philosophy"),
        ("offline", [("subreddits", "College"), ("allowed_subreddits", "scifi")], "scifi"),
        ("offline", [("subreddits", "College"), ("06.allowed_subreddits", "")], ""),
        ("offline", [("subreddits", "College"), ("reddit", "live")], ""),
        ("offline", [("subreddits", "College"), ("06.reddit", "live")], ""),
        ("demo", [("06.reddit", "live")], ""),
        ("colab", [("subreddits", "College")], ""),
    ],
)
def test_only_in_the_sandbox_may_the_bot_answer_wherever_it_reads(profile, given, allowed):
    read, post = (
        [parameters.profile_source(profile, name), *typed(*given, notebook=name)]
        for name in ("05_generate", POSTING)
    )
    assert parameters.read_and_post(read, post)[1].allowed_subreddits == allowed


def test_a_commands_own_choice_gives_way_to_a_person():
    itself = Source("bot", {"dry_run": False}, by="command")
    assert parameters.settle(PostSettings, *typed(("dry_run", "true")), itself).dry_run is True
    assert parameters.settle(PostSettings, itself).dry_run is False


def test_the_whole_table_names_the_defaults_too():
    shown = parameters.table(Gpt2Settings(), everything=True)
    assert shown["setting"].tolist() == Gpt2Settings.names()
    assert set(shown["set by"]) == {"default"}


def test_only_profiles_that_download_nothing_work_without_the_hub():
    """The Hub's error sends people to `offline`; it must need no download itself."""
    base = {p: parameters.of_profile(Gpt2Settings, p).base_model for p in parameters.profiles()}
    assert base["offline"] == base["demo"] == "scratch"
    assert base["laptop"] == "dialogpt-small" and base["colab"] == "dialogpt-medium"
    for notebook in ("03_bert_realism", "04_bert_upvotes"):
        assert parameters.of_profile(NOTEBOOKS[notebook], "offline").encoder == "minilm"
