"""The distributed engine: Google's own client against a local stand-in that runs the very SQL."""

import time

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery as google_bigquery

from botlib.data.bigquery import client as bigquery_client
from botlib.data.bigquery import extract, load
from botlib.data.dumps import extract as dumps
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.workspace import Workspace, read_manifest
from tests.data.bigquery.server import BigQueryServer

NAMES = list(sample.SUBREDDITS[:2])
OWN = {"comments": "mine.reddit_comments", "posts": "mine.reddit_posts"}
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


def _extract(client, workspace, **changes):
    arguments = {"subreddits": NAMES, "project": "mine", "progress": False, **OWN, **MONTHS}
    return extract.extract(out=workspace, client=client, **arguments | changes)


def _tables(workspace):
    return {path.name: path.read_bytes() for path in sorted(workspace.raw_data.glob("*.csv"))}


def test_load_makes_a_table_a_month_and_goes_on_where_it_stopped(
    loaded, server, client, dump_folder, workspace
):
    assert sorted(server.tables("reddit_posts"))[0] == "2019_01"
    assert sum(server.tables("reddit_posts").values()) == 120
    assert loaded.rows["mine.reddit_posts.2019_01"] == server.tables("reddit_posts")["2019_01"]
    uploads = sum(path.startswith("/upload") for _, path in server.requests)
    load.load(dump_folder, out=workspace, client=client, project="mine", progress=False, **OWN)
    assert sum(path.startswith("/upload") for _, path in server.requests) == uploads


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("self_posts_only", [True, False])
def test_both_engines_give_the_same_rows(
    loaded, client, dump_folder, tmp_path, depth, self_posts_only
):
    chosen = {"depth": depth, "self_posts_only": self_posts_only, "reach_months": 1}
    here = Workspace.open(tmp_path / "here", create=True)
    there = Workspace.open(tmp_path / "there", create=True)
    embedded = dumps.extract(
        dump_folder, subreddits=NAMES, out=here, progress=False, **chosen, **MONTHS
    )
    distributed = _extract(client, there, **chosen)
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
    assert server.billed_limits == [2_000_000_000]
    estimate = _extract(client, workspace, estimate_only=True, last_month="2019-06")
    assert estimate.bytes > 0 and estimate.dollars > 0
    assert len(server.queries) == 1


def test_over_the_limit_nothing_runs(loaded, server, client, workspace):
    with pytest.raises(BotlibError, match="max_gigabytes"):
        _extract(client, workspace, max_gigabytes=1e-9)
    assert server.queries == []


def test_months_already_there_are_not_asked_for_again(loaded, server, client, workspace):
    _extract(client, workspace, last_month="2019-03")
    first = _tables(workspace)
    report = _extract(client, workspace, last_month="2019-04")
    assert len(server.queries) == 2
    assert list(report.months) == ["2019_02", "2019_03", "2019_04"]
    assert first.items() <= _tables(workspace).items()
    assert _extract(client, workspace).skipped
    assert len(server.queries) == 2


def test_a_run_that_lost_its_rows_takes_up_the_finished_query(loaded, server, client, workspace):
    server.faults += [("GET", "/data", (403, "accessDenied")), ("GET", "/queries/", (403, "no"))]
    with pytest.raises(BotlibError):
        _extract(client, workspace)
    assert not _tables(workspace)
    server.faults.clear()
    _extract(client, workspace)
    assert len(server.queries) == 1
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


def test_missing_months_and_datasets_are_named(loaded, client, workspace):
    with pytest.raises(BotlibError, match="2018_12"):
        _extract(client, workspace, first_month="2018-12")
    with pytest.raises(BotlibError, match=r"mine\.elsewhere"):
        _extract(client, workspace, comments="mine.elsewhere")


def test_no_network_is_said_soon(server, client, workspace, monkeypatch):
    monkeypatch.setattr(bigquery_client, "DEADLINE", 1)
    server.stop()
    started = time.monotonic()
    with pytest.raises(BotlibError, match="can't be reached"):
        _extract(client, workspace)
    assert time.monotonic() - started < 20


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
