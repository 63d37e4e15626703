"""One query: its dry run, and its start, which finds the same query of an earlier run."""

import contextlib
import dataclasses
from typing import Any

from botlib.data import raw
from botlib.data.bigquery.client import TIMEOUT, retry
from botlib.errors import BotlibError

# Google's list price of a scanned tebibyte, in dollars; the first of each month is free.
PRICE = 6.25
_PAGE = 20_000


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


class Job:
    """One query over some months."""

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
