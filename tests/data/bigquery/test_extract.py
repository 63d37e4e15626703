"""The distributed engine: Google's own client against a local stand-in that runs the very SQL."""

import re
import sys
import time
import types

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as google_bigquery

from botlib.__main__ import main
from botlib.data.bigquery import client as bigquery_client
from botlib.data.bigquery import extract, load, rows
from botlib.data.dumps import extract as dumps
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.manifests import read_manifest
from botlib.workspace import Workspace
from tests.data.bigquery.server import BigQueryServer

NAMES = list(sample.SUBREDDITS[:2])
OWN = {"comments": "mine.reddit.comments", "posts": "mine.reddit.posts"}
PUBLIC = {"comments": "mine.reddit_comments", "posts": "mine.reddit_posts"}
MONTHS = {"first_month": "2019-02", "last_month": "2019-04"}


@pytest.fixture(scope="module")
def dump_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dumps")
    sample.write_sample(folder, seed=7, threads=120)
    return folder


@pytest.fixture
def server(tmp_path):
    server = BigQueryServer(tmp_path)
    server.address = server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server):
    return google_bigquery.Client(
        project="mine",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=server.address),
    )


@pytest.fixture
def loaded(server, client, dump_folder, tmp_path):
    """The stand-in with the sample's months loaded into it."""
    cache = Workspace.open(tmp_path / "loading", create=True)
    report = load.load(dump_folder, out=cache, client=client, project="mine", progress=False, **OWN)
    assert not report.errors
    return report


@pytest.fixture
def public(loaded, server):
    """The same rows as a table a month, with the views that stand among the public ones."""
    for name in ("comments", "posts"):
        months = [row.rpartition(" ")[2] for row in loaded.rows if f".{name} " in row]
        for month in months:
            source = f"""SELECT * EXCLUDE (month) FROM "reddit"."{name}"
                WHERE strftime(month, '%Y_%m') = '{month}'"""
            server.add_table(f"reddit_{name}", month, source)
        server.add_view(f"reddit_{name}", "all", f'FROM "reddit"."{name}"')


def _extract(client, workspace, **changes):
    arguments = {"subreddits": NAMES, "project": "mine", "progress": False, **OWN, **MONTHS}
    return extract.extract(out=workspace, client=client, **arguments | changes)


def _tables(workspace):
    return {
        path.name: path.read_bytes() for path in sorted(workspace.raw_data.glob("myreddit_*.csv"))
    }


def test_load_makes_one_table_that_prunes_and_goes_on_where_it_stopped(
    loaded, server, client, dump_folder, workspace
):
    assert server.tables("reddit").keys() == {"comments", "posts"}
    assert server.tables("reddit")["posts"] == 120
    assert list(server.layouts.values()) == [("month", ["subreddit"])] * 2
    assert sum(n for name, n in loaded.rows.items() if ".posts " in name) == 120
    uploads = sum(path.startswith("/upload") for _, path in server.requests)
    load.load(dump_folder, out=workspace, client=client, project="mine", progress=False, **OWN)
    assert sum(path.startswith("/upload") for _, path in server.requests) == uploads
    with pytest.raises(BotlibError, match=r"such as mine\.reddit\.comments"):
        load.load(dump_folder, out=workspace, client=client, **PUBLIC)
    with pytest.raises(BotlibError, match="max_temp='little'"):
        load.load(dump_folder, out=workspace, client=client, max_temp="little", **OWN)


def test_the_command_loads_what_the_archive_gave(server, client, tmp_path, monkeypatch):
    root = Workspace.open(tmp_path / "work", create=True)
    sample.write_sample(root.archive / "2019-01", seed=7, threads=20)
    monkeypatch.setattr(load, "new_client", lambda project, location: client)
    options = ["--workspace", str(root.root), "--comments", OWN["comments"], "--posts"]
    assert main(["load-bigquery", *options, OWN["posts"], "--max-malformed", "0.1"]) == 0
    assert server.tables("reddit")["posts"] == 20


def test_only_the_months_and_subreddits_asked_for_are_read(loaded, server, client, workspace):
    one = _extract(client, workspace, estimate_only=True, last_month="2019-02").bytes
    three = _extract(client, workspace, estimate_only=True).bytes
    everything = 200 * sum(server.tables("reddit").values())
    assert 0 < one < three < everything
    _extract(client, workspace)
    names, large = server.queries
    assert "LOWER(" in names and "LOWER(" not in large and "t.subreddit IN" in large


def test_a_misspelt_subreddit_is_refused_before_the_large_query(loaded, server, client, workspace):
    with pytest.raises(BotlibError, match=r"no post of r/wrtiing .*check the spelling"):
        _extract(client, workspace, subreddits=[NAMES[0], "wrtiing"])
    assert len(server.queries) == 1 and "body" not in server.queries[0]


def test_what_is_finished_is_there_without_a_network(loaded, server, client, workspace):
    made = _extract(client, workspace)
    server.stop()
    again = _extract(None, workspace)
    assert again.skipped and again.months == made.months


def test_on_colab_the_user_is_asked_to_sign_in(monkeypatch):
    asked = []
    auth = types.SimpleNamespace(authenticate_user=lambda: asked.append("asked"))
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(auth=auth))
    monkeypatch.setattr(google_bigquery, "Client", lambda **_: "client")
    assert bigquery_client.new_client("mine", "") == "client" and asked == ["asked"]

    def refused():
        raise ValueError("popup closed")

    auth.authenticate_user = refused
    with pytest.raises(BotlibError, match=r"signing in .*popup closed.*source archive"):
        bigquery_client.new_client("mine", "")


@pytest.mark.parametrize("fault", [(403, "accessDenied"), (404, "notFound")])
def test_closed_public_tables_are_said_first_with_the_other_sources(
    server, client, workspace, fault
):
    server.faults.append(("GET", "/datasets/reddit_comments", fault))
    tables = {"comments": extract.COMMENTS, "posts": extract.POSTS}
    with pytest.raises(BotlibError, match="closed to most people") as caught:
        _extract(client, workspace, **tables)
    assert len(server.requests) == 1 and server.queries == []
    for other in ("source archive", "source dumps", "load-bigquery"):
        assert other in str(caught.value)


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize(("self_posts_only", "tables"), [(True, OWN), (False, PUBLIC)])
def test_both_engines_give_the_same_rows(
    public, client, dump_folder, tmp_path, depth, self_posts_only, tables
):
    chosen = {"depth": depth, "self_posts_only": self_posts_only, "reach_months": 1}
    here = Workspace.open(tmp_path / "here", create=True)
    there = Workspace.open(tmp_path / "there", create=True)
    embedded = dumps.extract(
        dump_folder, subreddits=NAMES, out=here, progress=False, **chosen, **MONTHS
    )
    distributed = _extract(client, there, **chosen, **tables)
    assert distributed.months == embedded.months
    assert sum(embedded.months.values()) > 50
    assert _tables(there) == _tables(here)


def test_a_query_a_month_gives_the_same_months(loaded, client, tmp_path):
    one, three = (Workspace.open(tmp_path / name, create=True) for name in ("one", "three"))
    _extract(client, one)
    report = _extract(client, three, month_by_month=True)
    assert len(report.files) == 3
    assert _tables(one) == _tables(three)


def test_the_dry_run_comes_first_and_a_limit_is_always_set(
    loaded, server, client, workspace, capsys
):
    _extract(client, workspace, progress=True, max_gigabytes=2)
    assert "GB to scan" in capsys.readouterr().out
    assert server.billed_limits == [2_000_000_000] * 2
    estimate = _extract(client, workspace, estimate_only=True, last_month="2019-06")
    assert estimate.bytes > 0 and estimate.dollars > 0
    assert len(server.queries) == 2


def test_over_the_limit_nothing_runs(loaded, server, client, workspace):
    with pytest.raises(BotlibError, match="max_gigabytes"):
        _extract(client, workspace, max_gigabytes=1e-9)
    assert server.queries == []


def test_months_already_there_are_not_asked_for_again(loaded, server, client, workspace):
    _extract(client, workspace, last_month="2019-03")
    first = _tables(workspace)
    report = _extract(client, workspace, last_month="2019-04")
    assert len(server.queries) == 4
    assert list(report.months) == ["2019_02", "2019_03", "2019_04"]
    assert first.items() <= _tables(workspace).items()
    assert _extract(client, workspace).skipped
    assert len(server.queries) == 4


def test_a_run_that_lost_its_rows_takes_up_the_finished_query(
    loaded, server, client, workspace, monkeypatch
):
    def lost(*_):
        raise BotlibError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "_insert", lost)
        with pytest.raises(BotlibError, match="is lost"):
            _extract(client, workspace)
    assert not _tables(workspace) and len(server.queries) == 2
    _extract(client, workspace)
    assert len(server.queries) == 2
    assert len(_tables(workspace)) == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ((403, "accessDenied"), "access denied"),
        ((403, "quotaExceeded"), "quota"),
        ((403, "billingNotEnabled"), "billing"),
        ((404, "notFound"), "load-bigquery"),
        ((400, "invalidQuery"), "refused the query"),
    ],
)
def test_refusals_end_in_one_clear_line(loaded, server, client, workspace, fault, message):
    server.faults.append(("POST", "/jobs", fault))
    with pytest.raises(BotlibError, match=message) as caught:
        _extract(client, workspace)
    assert "\n" not in str(caught.value)
    assert not workspace.raw_data.exists()


def test_a_dropped_connection_and_a_busy_server_are_tried_again(loaded, server, client, workspace):
    server.faults += [("GET", "/tables", "drop"), ("POST", "/jobs", (503, "backendError"))]
    assert sum(_extract(client, workspace).months.values()) > 0


def test_missing_months_and_datasets_are_named(public, client, workspace):
    with pytest.raises(BotlibError, match="set first_month and last_month"):
        _extract(client, workspace, first_month="", **OWN)
    with pytest.raises(BotlibError, match="between 2012_01 and 2012_02; there are 2019_01"):
        _extract(client, workspace, first_month="2012-01", last_month="2012-02", **PUBLIC)
    with pytest.raises(BotlibError, match=r"mine\.elsewhere"):
        _extract(client, workspace, comments="mine.elsewhere")


def test_a_month_without_a_table_is_an_empty_month(public, client, workspace):
    report = _extract(client, workspace, first_month="2018-12", last_month="2019-01", **PUBLIC)
    assert report.months["2018_12"] == 0 < report.months["2019_01"]
    assert _extract(None, workspace, first_month="2018-12", last_month="2019-01", **PUBLIC).skipped


def test_no_network_is_said_soon(server, client, workspace, monkeypatch):
    monkeypatch.setattr(bigquery_client, "DEADLINE", 1)
    server.stop()
    started = time.monotonic()
    with pytest.raises(BotlibError, match="can't be reached") as caught:
        _extract(client, workspace)
    took = time.monotonic() - started
    assert took < 20
    assert abs(int(re.search(r"for (\d+) s:", str(caught.value))[1]) - took) < 2


def test_no_credentials_is_said(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(BotlibError, match="no Google credentials"):
        extract.extract(subreddits=NAMES, out=workspace, project="mine")


def test_the_manifest_says_what_was_asked(loaded, client, workspace):
    _extract(client, workspace)
    manifest = read_manifest(workspace.raw_data)
    assert manifest["parameters"]["engine"] == "bigquery"
    assert manifest["parameters"]["subreddits"] == sorted(name.lower() for name in NAMES)
    assert set(manifest["extra"]["months"]) == {"2019_02", "2019_03", "2019_04"}
