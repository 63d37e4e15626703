"""A local stand-in for BigQuery's REST interface: runs the very SQL, by sqlglot, on DuckDB."""

import json
import re
import threading
import uuid
from pathlib import Path

import duckdb
import flask
import sqlglot
from sqlglot import exp
from werkzeug.serving import make_server

_API = "/bigquery/v2/projects/<project>"
_TYPES = {"VARCHAR": "STRING", "BIGINT": "INTEGER", "BOOLEAN": "BOOLEAN", "DATE": "DATE"}


class BigQueryServer:
    """Holds tables of months or partitioned ones, answers requests, and can be told to fail.

    Attributes:
      requests: (method, path) of every request, in order.
      faults: (method, part of the path, answer) each used once: the answer is an HTTP status with
        a reason ("quotaExceeded"), or "drop" to close the connection without one.
      queries: SQL of the queries that really ran.
      billed_limits: maximum_bytes_billed of those.
      layouts: "dataset.table" → (column it is partitioned by, columns it is clustered by).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, str]] = []
        self.faults: list[tuple[str, str, tuple[int, str] | str]] = []
        self.queries: list[str] = []
        self.billed_limits: list[int | None] = []
        self.layouts: dict[str, tuple[str, list[str]]] = {}
        self._jobs: dict[str, dict] = {}
        self._uploads: dict[str, dict] = {}
        self._database = duckdb.connect()
        self._lock = threading.Lock()

    def start(self) -> str:
        """Start serving; return the address."""
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._database.close()

    def add_table(self, dataset: str, name: str, source: str) -> None:
        """Make the table `dataset`.`name` from a DuckDB query or relation."""
        self._database.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
        self._database.execute(f'CREATE OR REPLACE TABLE "{dataset}"."{name}" AS {source}')

    def add_view(self, dataset: str, name: str, source: str) -> None:
        """Make the view `dataset`.`name`; a wildcard that meets it is refused, as by BigQuery."""
        self._database.execute(f'CREATE VIEW "{dataset}"."{name}" AS {source}')

    def _views(self, dataset: str) -> list[str]:
        names = self._database.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = ?", [dataset]
        ).fetchall()
        return [name for (name,) in names]

    def _replace_partition(self, dataset: str, name: str, source: str) -> None:
        """Load rows as one month (the part of the name after "$") of a partitioned table."""
        table, _, month = name.partition("$")
        self._database.execute(f'CREATE SCHEMA IF NOT EXISTS "{dataset}"')
        run, place = self._database.execute, f'"{dataset}"."{table}"'
        run(f"CREATE TABLE IF NOT EXISTS {place} AS {source} LIMIT 0")
        first = f"DATE '{month[:4]}-{month[4:]}-01'"
        run(f"DELETE FROM {place} WHERE month = {first}")
        run(f"INSERT INTO {place} {source}")

    def tables(self, dataset: str) -> dict[str, int]:
        """Return the dataset's tables and their numbers of rows."""
        names = self._database.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY 1", [dataset]
        ).fetchall()
        count = 'SELECT count(*) FROM "{}"."{}"'
        return {
            name: self._database.execute(count.format(dataset, name)).fetchone()[0]
            for (name,) in names
        }

    def _app(self) -> flask.Flask:
        app = flask.Flask(__name__)
        app.before_request(self._note)
        dataset = f"{_API}/datasets/<dataset>"
        for method, rule, view in (
            ("POST", f"{_API}/datasets", self._create_dataset),
            ("GET", dataset, self._get_dataset),
            ("GET", f"{dataset}/tables", self._list_tables),
            ("GET", f"{dataset}/tables/<table>", self._get_table),
            ("POST", f"{_API}/jobs", self._insert_job),
            ("GET", f"{_API}/jobs/<job>", self._get_job),
            ("GET", f"{_API}/queries/<job>", self._query_results),
            ("GET", f"{dataset}/tables/<table>/data", self._table_data),
            ("POST", f"/upload{_API}/jobs", self._begin_upload),
            ("PUT", f"/upload{_API}/jobs", self._take_upload),
        ):
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
        return app

    def _note(self):
        request = flask.request
        self.requests.append((request.method, request.path))
        for fault in self.faults:
            method, part, answer = fault
            if method == request.method and part in request.full_path:
                self.faults.remove(fault)
                if answer == "drop":
                    request.environ["werkzeug.socket"].close()
                    return flask.Response(status=500)
                return self._error(*answer)
        return None

    def _error(self, status: int, reason: str, message: str = "the stand-in says no"):
        entry = {"reason": reason, "message": message}
        body = {"error": {"code": status, "message": message, "errors": [entry]}}
        return flask.Response(json.dumps(body), status=status, mimetype="application/json")

    def _create_dataset(self, project: str):
        body = flask.request.get_json()
        name = body["datasetReference"]["datasetId"]
        if self._has_dataset(name):
            return self._error(409, "duplicate", "Already Exists")
        self._database.execute(f'CREATE SCHEMA "{name}"')
        return body

    def _get_dataset(self, project: str, dataset: str):
        if not self._has_dataset(dataset):
            return self._error(404, "notFound", f"Not found: Dataset {project}:{dataset}")
        return {"datasetReference": {"projectId": project, "datasetId": dataset}}

    def _has_dataset(self, name: str) -> bool:
        found = self._database.execute(
            "SELECT count(*) FROM duckdb_schemas() WHERE schema_name = ?", [name]
        )
        return found.fetchone()[0] > 0

    def _list_tables(self, project: str, dataset: str):
        if not self._has_dataset(dataset):
            return self._error(404, "notFound", f"Not found: Dataset {project}:{dataset}")
        names = list(self.tables(dataset))
        # Two to a page, so that paging is used.
        start = int(flask.request.args.get("pageToken", 0))
        body = {
            "tables": [
                {"tableReference": _reference(project, dataset, name), "type": "TABLE"}
                for name in names[start : start + 2]
            ],
            "totalItems": len(names),
        }
        return body | ({"nextPageToken": str(start + 2)} if start + 2 < len(names) else {})

    def _get_table(self, project: str, dataset: str, table: str):
        if table not in self.tables(dataset):
            return self._error(404, "notFound", f"Not found: Table {project}:{dataset}.{table}")
        with self._lock:
            described = self._database.execute(f'DESCRIBE "{dataset}"."{table}"').fetchall()
        return {
            "tableReference": _reference(project, dataset, table),
            "schema": {"fields": [_field(name, kind) for name, kind, *_ in described]},
            "numRows": str(self.tables(dataset)[table]),
        }

    def _insert_job(self, project: str):
        body = flask.request.get_json()
        configuration = body["configuration"]
        name = body.get("jobReference", {}).get("jobId") or uuid.uuid4().hex
        if name in self._jobs:
            return self._error(409, "duplicate", f"Already Exists: Job {name}")
        query = configuration["query"]
        sql = query["query"]
        with self._lock:
            try:
                runnable, scanned = self._translated(sql, query.get("queryParameters", []))
            except LookupError as error:
                return self._error(404, "notFound", str(error))
            except PermissionError as error:
                return self._error(400, "invalidQuery", str(error))
            job = {
                "jobReference": {"projectId": project, "jobId": name, "location": "US"},
                "configuration": configuration,
                "status": {"state": "DONE"},
                "statistics": {
                    "totalBytesProcessed": str(scanned),
                    "query": {"totalBytesProcessed": str(scanned), "statementType": "SELECT"},
                },
            }
            if configuration.get("dryRun"):
                return job
            limit = query.get("maximumBytesBilled")
            self.queries.append(sql)
            self.billed_limits.append(int(limit) if limit else None)
            if limit and scanned > int(limit):
                return self._error(403, "bytesBilledLimitExceeded")
            # As BigQuery does, keep the result as a table of its own.
            self._database.execute("CREATE SCHEMA IF NOT EXISTS _results")
            self._database.execute(f'CREATE TABLE _results."{name}" AS {runnable}')
        query["destinationTable"] = _reference(project, "_results", name)
        self._jobs[name] = job
        return job

    def _translated(self, sql: str, parameters: list[dict]) -> tuple[str, int]:
        """Return the SQL for DuckDB with its parameters filled in, and bytes to be scanned."""
        values = {parameter["name"]: _literal(parameter) for parameter in parameters}
        scanned = 0
        tree = sqlglot.parse_one(sql, read="bigquery")
        for table in list(tree.find_all(exp.Table)):
            if table.name.endswith("*"):
                dataset = table.db or table.name.split(".")[-2]
                start = table.name.split(".")[-1].removesuffix("*")
                if any(name.startswith(start) for name in self._views(dataset)):
                    raise PermissionError("Views cannot be queried through prefix")
                names = {n: rows for n, rows in self.tables(dataset).items() if n.startswith(start)}
                if not names:
                    raise LookupError(f"Not found: Dataset {dataset}")
                scanned += 200 * sum(names.values())
                union = " UNION ALL BY NAME ".join(
                    f"SELECT *, '{name.removeprefix(start)}' AS _TABLE_SUFFIX "
                    f'FROM "{dataset}"."{name}"'
                    for name in names
                )
                table.replace(exp.to_table(f"__{dataset}", alias=table.alias))
                self._database.execute(f'CREATE OR REPLACE VIEW "__{dataset}" AS {union}')
            elif table.db and f"{table.db}.{table.name}" in self.layouts:
                # What the condition on the partition's column leaves to be read
                between = table.find_ancestor(exp.Select).find(exp.Between).copy()
                for parameter in list(between.find_all(exp.Parameter)):
                    parameter.replace(values[parameter.name])
                count = f'SELECT count(*) FROM "{table.db}"."{table.name}" AS t WHERE '
                count += between.sql(dialect="duckdb")
                scanned += 200 * self._database.execute(count).fetchone()[0]
                table.set("catalog", None)
        for parameter in list(tree.find_all(exp.Parameter)):
            parameter.replace(values[parameter.name])
        return tree.sql(dialect="duckdb"), scanned

    def _get_job(self, project: str, job: str):
        return self._jobs.get(job) or self._error(404, "notFound", f"Not found: Job {job}")

    def _query_results(self, project: str, job: str):
        if job not in self._jobs:
            return self._error(404, "notFound", f"Not found: Job {job}")
        body = self._page("_results", job)
        reference = self._jobs[job]["jobReference"]
        schema = self._get_table(project, "_results", job)["schema"]
        return body | {"jobReference": reference, "jobComplete": True, "schema": schema}

    def _table_data(self, project: str, dataset: str, table: str):
        return self._page(dataset, table)

    def _page(self, dataset: str, table: str) -> dict:
        arguments = flask.request.args
        start = int(arguments.get("pageToken") or arguments.get("startIndex") or 0)
        size = min(int(arguments.get("maxResults", 1000)), 1000)
        with self._lock:
            rows = self._database.execute(
                f'SELECT * FROM "{dataset}"."{table}" LIMIT {size} OFFSET {start}'
            ).fetchall()
        total = self.tables(dataset)[table]
        body = {
            "rows": [{"f": [{"v": _cell(value)} for value in row]} for row in rows],
            "totalRows": str(total),
        }
        return body | ({"pageToken": str(start + size)} if start + size < total and size else {})

    def _begin_upload(self, project: str):
        name = uuid.uuid4().hex
        body = flask.request.get_json()
        self._uploads[name] = {"body": body, "project": project, "data": b""}
        address = f"{flask.request.base_url}?uploadType=resumable&upload_id={name}"
        return flask.Response(status=200, headers={"Location": address})

    def _take_upload(self, project: str):
        upload = self._uploads[flask.request.args["upload_id"]]
        upload["data"] += flask.request.get_data()
        ends = re.match(r"bytes (?:\d+-(\d+)|\*)/(\d+|\*)", flask.request.headers["Content-Range"])
        if ends[2] == "*" or (ends[1] and int(ends[1]) + 1 < int(ends[2])):
            headers = {"Range": f"bytes=0-{len(upload['data']) - 1}"}
            return flask.Response(status=308, headers=headers)
        load = upload["body"]["configuration"]["load"]
        target = load["destinationTable"]
        name = upload["body"].get("jobReference", {}).get("jobId") or uuid.uuid4().hex
        file = self.folder / f"{name}.parquet"
        file.write_bytes(upload["data"])
        with self._lock:
            self._replace_partition(
                target["datasetId"], target["tableId"], f"FROM read_parquet('{file}')"
            )
        table = target["tableId"].partition("$")[0]
        self.layouts[f"{target['datasetId']}.{table}"] = (
            load["timePartitioning"]["field"],
            load["clustering"]["fields"],
        )
        job = {
            "jobReference": {"projectId": project, "jobId": name, "location": "US"},
            "configuration": upload["body"]["configuration"],
            "status": {"state": "DONE"},
            "statistics": {"load": {"outputRows": "0"}},
        }
        self._jobs[name] = job
        return job


def _reference(project: str, dataset: str, table: str) -> dict:
    return {"projectId": project, "datasetId": dataset, "tableId": table}


def _field(name: str, kind: str) -> dict:
    return {"name": name, "type": _TYPES.get(kind, "INTEGER"), "mode": "NULLABLE"}


def _cell(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _literal(parameter: dict) -> exp.Expression:
    kind, value = parameter["parameterType"], parameter["parameterValue"]
    if kind["type"] == "ARRAY":
        values = [entry["value"] for entry in value.get("arrayValues", [])]
        return exp.Array(expressions=[exp.Literal.string(entry) for entry in values])
    if kind["type"] == "INT64":
        return exp.Literal.number(value["value"])
    return exp.Literal.string(value["value"])
