"""The query of 2020, mended: replies of any month, ids and times, deleted texts left out."""

from collections.abc import Collection

from botlib.data.bigquery.source import Table

# Parameters: @subreddits (as they are spelt), @gone, @first, @last (months as year * 12 + month),
# @reach, and the first and last month of each kind.
_TEMPLATE = """\
WITH posts AS (
  SELECT t.id, t.title, t.selftext, t.author, t.score, {month} AS month
  FROM {posts}
    AND t.subreddit IN UNNEST(@subreddits)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY t.id ORDER BY {posts_latest}) = 1{self_posts}
),
comments AS (
  SELECT t.id, t.subreddit, t.body, t.author, {score} AS score, t.parent_id, t.link_id,
    SAFE_CAST(t.created_utc AS INT64) AS created_utc, {retrieved} AS retrieved_on,
    {month} AS month
  FROM {comments}
    AND t.subreddit IN UNNEST(@subreddits)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY t.id ORDER BY {comments_latest}) = 1
),
texts AS (
  SELECT * FROM comments WHERE TRIM(body, ' \\t\\n\\r') NOT IN UNNEST(@gone)
){levels}
SELECT
  c.subreddit, p.id AS submission_id, p.title, p.selftext AS submission,
  p.author AS submission_author, p.score AS submission_score,
  c.id AS comment_id, c.body AS comment, c.author AS comment_author, c.score AS comment_score,
  c.created_utc AS comment_created_utc,
  r.id AS reply_id, r.body AS reply, r.author AS reply_author, r.score AS reply_score,
  r.created_utc AS reply_created_utc, r.retrieved_on AS reply_retrieved_utc
FROM texts AS r
JOIN texts AS c ON r.parent_id = CONCAT('t1_', c.id)
JOIN posts AS p ON c.link_id = CONCAT('t3_', p.id)
WHERE c.month BETWEEN @first AND @last
  AND r.month <= c.month + @reach
  AND p.month >= c.month - @reach{depth}
"""

_MONTH = (
    "EXTRACT(YEAR FROM TIMESTAMP_SECONDS(SAFE_CAST(t.created_utc AS INT64))) * 12"
    " + EXTRACT(MONTH FROM TIMESTAMP_SECONDS(SAFE_CAST(t.created_utc AS INT64)))"
)


def query(comments: Table, posts: Table, *, depth: int, self_posts_only: bool) -> str:
    """Return the query in BigQuery's SQL.

    Args:
      comments: where comments lie; without score_hidden and retrieved_on it works too.
      posts: where posts lie; is_self and retrieved_on may be missing.
      depth: how deep an answered comment may stand (1: directly under the post; 0: anywhere).
      self_posts_only: leave out posts without a text of their own.
    """
    comment_columns, post_columns = comments.columns, posts.columns
    is_self = "t.is_self IS NOT FALSE AND " if "is_self" in post_columns else ""
    own_text = f"\n    AND {is_self}TRIM(t.selftext, ' \\t\\n\\r') NOT IN UNNEST(@gone)"
    return _TEMPLATE.format(
        comments=comments.rows("comments"),
        posts=posts.rows("posts"),
        month=_MONTH,
        score="IF(t.score_hidden, NULL, t.score)"
        if "score_hidden" in comment_columns
        else "t.score",
        retrieved=_retrieved(comment_columns),
        comments_latest=_latest(comment_columns, "t.body"),
        posts_latest=_latest(post_columns, "IFNULL(t.selftext, '')"),
        self_posts=own_text if self_posts_only else "",
        levels=_levels(depth),
        depth=_DEPTH.get(depth, "\n  AND c.id IN (SELECT id FROM shallow)"),
    )


_DEPTH = {0: "", 1: "\n  AND c.parent_id = c.link_id"}


def _retrieved(columns: Collection[str]) -> str:
    if "retrieved_on" not in columns:
        return "CAST(NULL AS INT64)"
    return "SAFE_CAST(t.retrieved_on AS INT64)"


def _latest(columns: Collection[str], text: str) -> str:
    """Return the order in which the first of several rows with one id is taken, as in `raw`."""
    return (
        f"{_retrieved(columns)} DESC NULLS LAST, SAFE_CAST(t.created_utc AS INT64), "
        f"t.score DESC NULLS LAST, {text}"
    )


def _levels(depth: int) -> str:
    """Return common table expressions that end in `shallow`: ids of comments not too deep."""
    if depth < 2:
        return ""
    parts = ["level1 AS (\n  SELECT id FROM comments WHERE parent_id = link_id\n)"]
    for level in range(2, depth + 1):
        parts.append(
            f"level{level} AS (\n  SELECT c.id FROM comments AS c\n"
            f"  JOIN level{level - 1} AS above ON c.parent_id = CONCAT('t1_', above.id)\n)"
        )
    union = " UNION ALL ".join(f"SELECT id FROM level{level}" for level in range(1, depth + 1))
    return ",\n" + ",\n".join([*parts, f"shallow AS (\n  {union}\n)"])
