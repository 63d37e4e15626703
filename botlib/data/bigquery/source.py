"""Where BigQuery's rows lie: a table a month, as the public ones are, or one partitioned table."""

import dataclasses
from typing import Any

from botlib.data.bigquery.client import TIMEOUT, retry
from botlib.data.months import between
from botlib.errors import BotlibError

# Not "*": Google refuses a wildcard that meets a view, and the public dataset holds some.
_CENTURY = "20"


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of one kind, comments or posts.

    Attributes:
      name: "project.dataset" with tables YYYY_MM, or "project.dataset.table", partitioned by its
        column `month` and clustered by `subreddit`, as `load` makes it.
      columns: names of its columns.
      months: tables there are, in order; empty for one table.
    """

    name: str
    columns: frozenset[str]
    months: tuple[str, ...] = ()

    @classmethod
    def look(cls, client: Any, name: str) -> "Table":
        """Return the table as it is in BigQuery; reads what it is called and made of, no rows.

        Raises:
          BotlibError: a dataset without such tables.
        """
        latest, months = name, ()
        if not is_one_table(name):
            listed = client.list_tables(name, retry=retry(), timeout=TIMEOUT)
            months = tuple(sorted(t.table_id for t in listed if _is_month(t.table_id)))
            if not months:
                raise BotlibError(f"the dataset {name} has no tables named YYYY_MM")
            latest = f"{name}.{months[-1]}"
        table = client.get_table(latest, retry=retry(), timeout=TIMEOUT)
        columns = frozenset(field.name for field in table.schema)
        if not months and not {"month", "subreddit"} <= columns:
            raise BotlibError(
                f"the table {name} has no column month: make it with `python -m botlib "
                "load-bigquery`, or name a dataset whose tables are called YYYY_MM"
            )
        return cls(name, columns, months)

    def rows(self, prefix: str) -> str:
        """Return SQL for its rows `t` between the parameters `prefix`_from and `prefix`_to.

        Both forms let BigQuery leave other months unread.
        """
        table, column = f"`{self.name}`", "t.month"
        if self.months:
            table, column = f"`{self.name}.{_CENTURY}*`", "_TABLE_SUFFIX"
        return f"{table} AS t\n  WHERE {column} BETWEEN @{prefix}_from AND @{prefix}_to"

    def bound(self, parameter: str, month: str) -> Any:
        """Return the query parameter for a month written as 2019_05."""
        from google.cloud.bigquery import ScalarQueryParameter

        if self.months:
            return ScalarQueryParameter(parameter, "STRING", month.removeprefix(_CENTURY))
        return ScalarQueryParameter(parameter, "DATE", f"{month[:4]}-{month[5:]}-01")

    def wanted(self, first: str, last: str) -> list[str]:
        """Return the months from first to last; one without rows is among them.

        Raises:
          BotlibError: there is nothing in these months, or no way to know the first and last.
        """
        if not self.months and not (first and last):
            raise BotlibError(f"set first_month and last_month: {self.name} is one table")
        first, last = first or self.months[0], last or self.months[-1]
        if last < first:
            raise BotlibError(f"last_month {last} lies before first_month {first}")
        months = between(first, last)
        if self.months and not set(months) & set(self.months):
            raise BotlibError(
                f"no table of comments between {first} and {last}; there are {self.months[0]} to "
                f"{self.months[-1]}: set first_month and last_month"
            )
        return months


def is_one_table(name: str) -> bool:
    """Return whether a name stands for one table, not for a dataset of months."""
    return name.count(".") == 2


def _is_month(name: str) -> bool:
    return len(name) == 7 and name[4] == "_" and (name[:4] + name[5:]).isdigit()
