"""The distributed engine: pairs of all of Reddit, joined by Google BigQuery."""

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import Any

import pandas as pd

from botlib.data import raw
from botlib.data.bigquery.client import TIMEOUT, clear_errors, new_client, retry
from botlib.data.bigquery.query import query
from botlib.data.bigquery.rows import fetch
from botlib.data.dumps.extract import ExtractReport, checked_names
from botlib.data.months import between, month_of, number_of, shifted
from botlib.errors import BotlibError
from botlib.workspace import Workspace

COMMENTS = "fh-bigquery.reddit_comments"
POSTS = "fh-bigquery.reddit_posts"
# Google's list price of a scanned tebibyte, in dollars; the first of each month is free.
PRICE = 6.25
_PAGE = 20_000
_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a query would scan, before anything is billed."""

    months: list[str]
    bytes: int

    @property
    def dollars(self) -> float:
        """The price without any free allowance."""
        return self.bytes / 2**40 * PRICE

    def __str__(self) -> str:
        return (
            f"{self.months[0]} to {self.months[-1]}: {self.bytes / 1e9:,.1f} GB to scan, "
            f"{self.dollars:,.2f} $ unless the month's first TiB is still free"
        )


def extract(
    *,
    subreddits: Iterable[str],
    first_month: str = "",
    last_month: str = "",
    depth: int = 1,
    self_posts_only: bool = True,
    out: Workspace,
    project: str = "",
    comments: str = COMMENTS,
    posts: str = POSTS,
    location: str = "",
    reach_months: int = raw.REACH_MONTHS,
    max_gigabytes: float = 1000.0,
    month_by_month: bool = False,
    estimate_only: bool = False,
    memory_limit: str = "1GB",
    max_temp: str = "20GB",
    progress: bool = True,
    client: Any = None,
) -> ExtractReport | Estimate:
    """Query posts, comments and replies and write raw_data/myreddit_{YYYY_MM}.csv.

    A dry run comes first and its bytes and price are shown; a query that would scan more than
    `max_gigabytes` is not started. Months that an earlier run with the same settings wrote are
    skipped, and a run that was stopped while its rows came in takes up the same finished query.

    Args:
      subreddits: names, in any case.
      first_month: first month of the comments ("2017-01"), "" for the first table there is.
      last_month: last month of the comments, "" for the last table there is.
      depth: how deep an answered comment may stand (1: directly under the post; 0: anywhere).
      self_posts_only: leave out posts without a text of their own.
      out: the workspace.
      project: the Google Cloud project that pays.
      comments: "project.dataset" whose tables YYYY_MM hold comments.
      posts: "project.dataset" whose tables YYYY_MM hold posts.
      location: where the datasets lie, "" for where Google finds them.
      reach_months: months that a post may be older, or a reply younger, than the comment; each
        is scanned.
      max_gigabytes: limit of what is scanned and billed, of each query.
      month_by_month: a query a month, so that a run can be spread over days; scans more.
      estimate_only: stop after the dry run.
      memory_limit: of DuckDB, which sorts the rows.
      max_temp: of what it spills to disk.
      progress: show bars.
      client: a google.cloud.bigquery.Client; by default one with the user's own credentials.

    Returns:
      The report (`files` names the queries), or with `estimate_only` the estimate.

    Raises:
      BotlibError: no credentials, no access, no such table, over the limit, no network.
    """
    names = checked_names(subreddits)
    first, last = month_of(first_month, "first_month"), month_of(last_month, "last_month")
    with clear_errors(project, comments, posts):
        client = client or new_client(project, location)
        source = _Source.look(client, comments, posts)
        months = source.months(first, last)
        selection = {
            "engine": "bigquery",
            "subreddits": names,
            "first_month": months[0],
            "last_month": months[-1],
            "depth": depth,
            "self_posts_only": self_posts_only,
            "reach_months": reach_months,
            "comments": comments,
            "posts": posts,
        }
        # The same rows come out of a month whatever other months are asked for with it.
        about = {name: value for name, value in selection.items() if not name.endswith("_month")}
        key = raw.key_of(**about, version=_VERSION)
        done = raw.done(out, key)
        months = [month for month in months if month not in done]
        if not months and not estimate_only:
            return _report([], raw.last_counts(out), raw.done(out, key), skipped=True)
        sql = query(
            comments,
            posts,
            comment_columns=source.comment_columns,
            post_columns=source.post_columns,
            depth=depth,
            self_posts_only=self_posts_only,
        )
        spans = [[month] for month in months] if month_by_month else [months]
        jobs = [
            _Job(client, sql, span, _parameters(names, span, depth, reach_months), location)
            for span in spans
        ]
        estimate = Estimate(months, sum(job.dry_run(max_gigabytes) for job in jobs))
        if estimate_only:
            return estimate
        if progress:
            print(estimate)
        made = []
        for job in jobs:
            rows = fetch(job, out, key, selection, max_gigabytes, memory_limit, max_temp, progress)
            made.append({"file": job.id, "kind": "query", "lines": rows, "kept": rows})
        counts = {"pairs": sum(row["kept"] for row in made)}
        return _report(made, counts, raw.done(out, key), skipped=False)


@dataclasses.dataclass(frozen=True)
class _Source:
    """The months' tables that are there, and their columns."""

    tables: list[str]
    comment_columns: frozenset[str]
    post_columns: frozenset[str]

    @classmethod
    def look(cls, client: Any, comments: str, posts: str) -> "_Source":
        tables, columns = [], []
        for name in (comments, posts):
            listed = client.list_tables(name, retry=retry(), timeout=TIMEOUT)
            months = sorted(t.table_id for t in listed if _is_month(t.table_id))
            if not months:
                raise BotlibError(f"the dataset {name} has no tables named YYYY_MM")
            table = client.get_table(f"{name}.{months[-1]}", retry=retry(), timeout=TIMEOUT)
            tables.append(months)
            columns.append(frozenset(field.name for field in table.schema))
        return cls(tables[0], *columns)

    def months(self, first: str, last: str) -> list[str]:
        wanted = between(first or self.tables[0], last or self.tables[-1])
        if missing := set(wanted) - set(self.tables):
            raise BotlibError(
                f"no table of comments for {', '.join(sorted(missing))}; there are "
                f"{self.tables[0]} to {self.tables[-1]}: set first_month and last_month"
            )
        if not wanted:
            raise BotlibError(f"last_month {last} lies before first_month {first}")
        return wanted


class _Job:
    """One query: its dry run, and its start, which finds the same query of an earlier run."""

    def __init__(
        self, client: Any, sql: str, months: list[str], parameters: list[Any], location: str
    ) -> None:
        self.client, self.sql, self.months = client, sql, months
        self.parameters, self.location = parameters, location or None
        shown = [(p.name, str(p.to_api_repr())) for p in parameters]
        self.id = "botlib_" + raw.key_of(sql=sql, parameters=shown)

    def dry_run(self, max_gigabytes: float) -> int:
        """Return the bytes that would be scanned; nothing is billed."""
        from google.cloud import bigquery

        config = bigquery.QueryJobConfig(
            dry_run=True, use_query_cache=False, query_parameters=self.parameters
        )
        job = self.client.query(
            self.sql,
            job_config=config,
            location=self.location,
            retry=retry(),
            job_retry=None,
            timeout=TIMEOUT,
        )
        scanned = job.total_bytes_processed
        if scanned > max_gigabytes * 1e9:
            raise BotlibError(
                f"the query would scan {Estimate(self.months, scanned)}: more than "
                f"max_gigabytes={max_gigabytes:g}; take fewer months, a smaller reach_months, or "
                "raise it"
            )
        return scanned

    def rows(self, max_gigabytes: float) -> Any:
        """Return the result's rows, of this query or of the same one finished within a day."""
        from google.api_core.exceptions import Conflict, NotFound
        from google.cloud import bigquery

        with contextlib.suppress(NotFound):
            job = self.client.get_job(
                self.id, location=self.location, retry=retry(), timeout=TIMEOUT
            )
            if job.state != "DONE" or job.error_result is None:
                with contextlib.suppress(NotFound):  # results are kept for a day
                    return self._result(job)
        config = bigquery.QueryJobConfig(
            query_parameters=self.parameters, maximum_bytes_billed=int(max_gigabytes * 1e9)
        )
        for attempt in range(10):
            with contextlib.suppress(Conflict):
                job = self.client.query(
                    self.sql,
                    job_config=config,
                    job_id=self.id if attempt == 0 else f"{self.id}_{attempt}",
                    location=self.location,
                    retry=retry(),
                    job_retry=None,
                    timeout=TIMEOUT,
                )
                return self._result(job)
        raise BotlibError(f"BigQuery has ten jobs named {self.id} that failed: look there why")

    def _result(self, job: Any) -> Any:
        return job.result(page_size=_PAGE, retry=retry(), job_retry=None)


def _parameters(names: list[str], months: list[str], depth: int, reach: int) -> list[Any]:
    from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter

    first, last = months[0], months[-1]
    # Comments before the first month are needed only to know how deep a later one stands.
    comments_from = shifted(first, -reach) if depth > 1 else first
    tables = {
        "posts_from": shifted(first, -reach),
        "posts_to": last,
        "comments_from": comments_from,
        "comments_to": shifted(last, reach),
    }
    numbers = {"first": number_of(first), "last": number_of(last), "reach": reach}
    return [
        ArrayQueryParameter("subreddits", "STRING", names),
        ArrayQueryParameter("gone", "STRING", list(raw.GONE)),
        *(ScalarQueryParameter(name, "STRING", value) for name, value in tables.items()),
        *(ScalarQueryParameter(name, "INT64", value) for name, value in numbers.items()),
    ]


def _report(
    queries: list[dict], counts: dict[str, int], months: dict[str, int], *, skipped: bool
) -> ExtractReport:
    return ExtractReport(pd.DataFrame(queries), counts, months, [], skipped=skipped)


def _is_month(name: str) -> bool:
    return len(name) == 7 and name[4] == "_" and (name[:4] + name[5:]).isdigit()
