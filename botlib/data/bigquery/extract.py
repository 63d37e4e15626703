"""The distributed engine: pairs of all of Reddit, joined by Google BigQuery."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from botlib.data import raw
from botlib.data.bigquery.client import clear_errors, new_client
from botlib.data.bigquery.job import Estimate, Job
from botlib.data.bigquery.query import query
from botlib.data.bigquery.rows import fetch
from botlib.data.bigquery.source import Table
from botlib.data.dumps.extract import ExtractReport, checked_names
from botlib.data.months import between, month_of, number_of, shifted
from botlib.errors import BotlibError
from botlib.manifests import read_manifest
from botlib.workspace import Workspace

COMMENTS = "fh-bigquery.reddit_comments"
POSTS = "fh-bigquery.reddit_posts"
_VERSION = 2


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
    max_gigabytes: float = 1099.0,
    month_by_month: bool = False,
    estimate_only: bool = False,
    memory_limit: str = "1GB",
    max_temp: str = "20GB",
    progress: bool = True,
    client: Any = None,
) -> ExtractReport | Estimate:
    """Query posts, comments and replies and write raw_data/myreddit_{YYYY_MM}.csv.

    Subreddits are looked up in one column of the posts first, so that a misspelt one costs next
    to nothing. A dry run comes before the large query, and its bytes and price are shown; a query
    that would scan more than `max_gigabytes` is not started. Months that an earlier run with the
    same settings wrote are skipped, and a run that was stopped while its rows came in takes up the
    same finished query.

    Args:
      subreddits: names, in any case.
      first_month: first month of the comments ("2017-01"), "" for the first table there is.
      last_month: last month of the comments, "" for the last table there is.
      depth: how deep an answered comment may stand (1: directly under the post; 0: anywhere).
      self_posts_only: leave out posts without a text of their own.
      out: the workspace.
      project: the Google Cloud project that pays.
      comments: "project.dataset" whose tables YYYY_MM hold comments, or "project.dataset.table"
        as `load` makes it.
      posts: the same for posts.
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
    # The same rows come out of a month whatever other months are asked for with it.
    about = {
        "engine": "bigquery",
        "subreddits": names,
        "depth": depth,
        "self_posts_only": self_posts_only,
        "reach_months": reach_months,
        "comments": comments,
        "posts": posts,
    }
    key = raw.key_of(**about, version=_VERSION)
    asked = {"asked_first_month": first, "asked_last_month": last}
    if not estimate_only and _is_finished(out, key, about | asked):
        # Without a request: cleaning anew works offline.
        return _report([], raw.last_counts(out), raw.done(out, key), skipped=True)
    with clear_errors(project, comments, posts):
        client = client or new_client(project, location)
        comment_table, post_table = Table.look(client, comments), Table.look(client, posts)
        months = comment_table.wanted(first, last)
        span = {"first_month": months[0], "last_month": months[-1]}
        done = raw.done(out, key)
        months = [month for month in months if month not in done]
        if not months and not estimate_only:
            return _report([], raw.last_counts(out), done, skipped=True)
        months = months or between(span["first_month"], span["last_month"])
        if not estimate_only:
            names = _spelt(client, post_table, names, months, reach_months, location, max_gigabytes)
        sql = query(comment_table, post_table, depth=depth, self_posts_only=self_posts_only)
        spans = [[month] for month in months] if month_by_month else [months]
        jobs = []
        for some in spans:
            bounds = _bounds(comment_table, post_table, some, depth, reach_months)
            parameters = _parameters(names, some, reach_months)
            jobs.append(Job(client, sql, some, [*parameters, *bounds], location))
        estimate = Estimate(months, sum(job.dry_run(max_gigabytes) for job in jobs))
        if estimate_only:
            return estimate
        if progress:
            print(estimate)
        made = []
        selection = about | span | asked
        for job in jobs:
            rows = fetch(job, out, key, selection, max_gigabytes, memory_limit, max_temp, progress)
            made.append({"file": job.id, "kind": "query", "lines": rows, "kept": rows})
        counts = {"pairs": sum(row["kept"] for row in made)}
        return _report(made, counts, raw.done(out, key), skipped=False)


def _is_finished(out: Workspace, key: str, request: dict[str, Any]) -> bool:
    """Return whether the last extraction was asked for the same, and all its months are there."""
    if not raw.finished(out, key):
        return False
    made = read_manifest(out.raw_data)["parameters"]
    if any(made.get(name) != value for name, value in request.items()):
        return False
    return set(between(made["first_month"], made["last_month"])) <= set(raw.done(out, key))


def _spelt(
    client: Any,
    posts: Table,
    names: list[str],
    months: list[str],
    reach: int,
    location: str,
    max_gigabytes: float,
) -> list[str]:
    """Return the subreddits as BigQuery spells them, from one column of the posts.

    The large query compares them as they are, which lets a clustered table leave others unread.

    Raises:
      BotlibError: one has no post in these months; nothing else has been scanned by then.
    """
    from google.cloud.bigquery import ArrayQueryParameter

    sql = (
        f"SELECT DISTINCT t.subreddit FROM {posts.rows('posts')}\n"
        "    AND LOWER(t.subreddit) IN UNNEST(@subreddits)"
    )
    parameters = [
        ArrayQueryParameter("subreddits", "STRING", names),
        posts.bound("posts_from", shifted(months[0], -reach)),
        posts.bound("posts_to", months[-1]),
    ]
    job = Job(client, sql, months, parameters, location)
    job.dry_run(max_gigabytes)
    existing = sorted(row["subreddit"] for row in job.rows(max_gigabytes))
    if missing := set(names) - {name.lower() for name in existing}:
        raise BotlibError(
            f"no post of r/{', r/'.join(sorted(missing))} in {posts.name} between {months[0]} and "
            f"{months[-1]}: check the spelling and the months; the large query has not been started"
        )
    return existing


def _bounds(comments: Table, posts: Table, months: list[str], depth: int, reach: int) -> list[Any]:
    """Return the parameters that say which months of each kind are scanned."""
    first, last = months[0], months[-1]
    # Comments before the first month are needed only to know how deep a later one stands.
    return [
        posts.bound("posts_from", shifted(first, -reach)),
        posts.bound("posts_to", last),
        comments.bound("comments_from", shifted(first, -reach) if depth > 1 else first),
        comments.bound("comments_to", shifted(last, reach)),
    ]


def _parameters(names: list[str], months: list[str], reach: int) -> list[Any]:
    from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter

    numbers = {"first": number_of(months[0]), "last": number_of(months[-1]), "reach": reach}
    return [
        ArrayQueryParameter("subreddits", "STRING", names),
        ArrayQueryParameter("gone", "STRING", list(raw.GONE)),
        *(ScalarQueryParameter(name, "INT64", value) for name, value in numbers.items()),
    ]


def _report(
    queries: list[dict], counts: dict[str, int], months: dict[str, int], *, skipped: bool
) -> ExtractReport:
    return ExtractReport(pd.DataFrame(queries), counts, months, [], skipped=skipped)
