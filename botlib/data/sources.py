"""Where pairs come from, as a setting: the archive, dump files, BigQuery, or a made-up Reddit."""

from botlib.data.dumps import extract
from botlib.data.dumps.extract import ExtractReport
from botlib.data.sample import world as sample
from botlib.errors import BotlibError
from botlib.manifests import write_manifest
from botlib.settings import DataSettings, comma_list
from botlib.workspace import Workspace, atomic_file


def collect(workspace: Workspace, settings: DataSettings) -> ExtractReport:
    """Writes the raw tables, `raw_data/myreddit_{YYYY_MM}.csv`, from the source that is set.

    Returns:
      What was read, month by month, and what went wrong.

    Raises:
      BotlibError: no subreddits, no such dumps, or what the source raises.
    """
    subreddits = comma_list(settings.subreddits)
    if not subreddits:
        raise BotlibError("subreddits is empty: name at least one, such as College,GradSchool")
    # What both engines are asked for
    selection = {name: getattr(settings, name) for name in _SELECTION}
    selection |= {"subreddits": subreddits, "out": workspace}
    if settings.source == "bigquery":
        from botlib.data.bigquery import extract as bigquery

        return bigquery.extract(
            **selection,
            project=settings.project,
            comments=settings.bigquery_comments,
            posts=settings.bigquery_posts,
            location=settings.bigquery_location,
            max_gigabytes=settings.max_gigabytes,
            month_by_month=settings.month_by_month,
        )
    if settings.source == "sample":
        place = sample.write_sample(
            workspace.dumps, seed=settings.seed, threads=settings.sample_threads
        )
        write_manifest(
            workspace.dumps,
            parameters={"source": "sample", "threads": settings.sample_threads},
            seed=settings.seed,
        )
    elif settings.source == "archive":
        from botlib.data.archive.download import download

        place = download(
            workspace,
            subreddits,
            first_month=settings.first_month,
            last_month=settings.last_month,
            newest=settings.archive_items,
            most=settings.archive_max_items,
            contact=settings.contact,
        )
    elif settings.dumps:
        place = settings.dumps
    else:
        raise BotlibError('dumps is empty: with source="dumps" name a folder or file of dumps')
    report = extract.extract(place, **selection, max_malformed=settings.max_malformed)
    workspace.damaged.unlink(missing_ok=True)
    if report.errors:
        with atomic_file(workspace.damaged) as file:
            file.writelines(f"{line}\n" for line in report.errors)
    return report


_SELECTION = (
    *("first_month", "last_month", "depth", "self_posts_only", "reach_months"),
    *("memory_limit", "max_temp"),
)
