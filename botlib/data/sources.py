"""Where pairs come from, as a setting: BigQuery, dump files, or a made-up Reddit."""

from botlib.data import dumps, sample
from botlib.data.dumps import ExtractReport
from botlib.errors import BotlibError
from botlib.settings import DataSettings, comma_list
from botlib.workspace import Workspace, atomic_file, write_manifest


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
    if settings.source == "bigquery":
        from botlib.data import bigquery

        return bigquery.extract_with(settings, workspace)
    if settings.source == "sample":
        place = sample.write_sample(
            workspace.dumps, seed=settings.seed, threads=settings.sample_threads
        )
        write_manifest(
            workspace.dumps,
            parameters={"source": "sample", "threads": settings.sample_threads},
            seed=settings.seed,
        )
    elif settings.dumps:
        place = settings.dumps
    else:
        raise BotlibError('dumps is empty: with source="dumps" name a folder or file of dumps')
    report = dumps.extract(
        place,
        subreddits=subreddits,
        first_month=settings.first_month,
        last_month=settings.last_month,
        depth=settings.depth,
        self_posts_only=settings.self_posts_only,
        out=workspace,
        reach_months=settings.reach_months,
        memory_limit=settings.memory_limit,
        max_temp=settings.max_temp,
        max_malformed=settings.max_malformed,
    )
    workspace.damaged.unlink(missing_ok=True)
    if report.errors:
        with atomic_file(workspace.damaged) as file:
            file.writelines(f"{line}\n" for line in report.errors)
    return report
