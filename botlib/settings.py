"""One frozen, validated dataclass per notebook; the defaults are the scale of Colab.

Each field has its reason beside it, its limits, and which values are looser (`botlib/fields.py`).
`botlib/profiles/*.yaml` says what a demo or a laptop needs; `botlib/parameters.py` makes settings
from a profile, a notebook's parameters cell and the command line.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from botlib.fields import Checked, different, higher, higher_or_none, lower, setting

TUTORIAL_SUBREDDITS = (
    "writing,scifi,sciencefiction,MachineLearning,philosophy,cogsci,neuro,Futurology"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Checked):
    """What all six notebooks share."""

    # By name, who set what isn't left at its default; see `botlib/parameters.py`
    set_by: ClassVar[Mapping[str, str]] = MappingProxyType({})
    # A line for each value that is looser on the live site than the default
    warnings: ClassVar[Sequence[str]] = ()

    drive_root: str = "/content/drive/MyDrive/botlib"  # the workspace: all tables and models
    seed: int = setting(2020, minimum=0)  # every random choice starts here

    def as_dict(self) -> dict[str, Any]:
        """Returns the settings for a manifest; the workspace's place doesn't change a result."""
        return {k: v for k, v in dataclasses.asdict(self).items() if k != "drive_root"}


def comma_list(text: str) -> list[str]:
    """Returns the entries of a comma-separated setting, without blanks and without "r/"."""
    entries = (entry.strip().removeprefix("/").removeprefix("r/") for entry in text.split(","))
    return [entry for entry in entries if entry]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """01_data: where pairs come from, what is dropped, how they are split."""

    notebook: ClassVar[str] = "01_data"

    # where the pairs come from
    source: str = setting("archive", choices=("archive", "dumps", "bigquery", "sample"))
    subreddits: str = setting(TUTORIAL_SUBREDDITS, required=True)  # comma-separated
    # YYYY-MM, inclusive; empty: the first month there is; from the archive the newest items
    first_month: str = ""
    last_month: str = ""  # YYYY-MM, inclusive
    dumps: str = ""  # folder or glob of dump files, or hf://…/*.parquet, for source="dumps"
    # source="archive", without first_month: the newest posts and comments, of all subreddits
    # together; at the archive's smallest pages 100,000 take 9 minutes
    archive_items: int = setting(100_000, minimum=100)
    # More are refused: the archive is a free service, and offers dumps for large downloads
    archive_max_items: int = setting(1_000_000, minimum=100)
    # E-mail address or link where the archive's author can reach you; empty: BOTLIB_CONTACT
    contact: str = ""
    sample_threads: int = setting(1500, minimum=20)  # threads of the made-up Reddit
    project: str = ""  # Google Cloud project that pays for the query
    bigquery_comments: str = "fh-bigquery.reddit_comments"  # or a table of your own
    bigquery_posts: str = "fh-bigquery.reddit_posts"  # the dataset of posts
    bigquery_location: str = ""  # where they lie; empty: Google finds it
    # The most that a query may scan; a month's first TiB is free
    max_gigabytes: float = setting(1099.0, minimum=0.0)
    month_by_month: bool = False  # a query a month: spread over days, but scans more
    depth: int = setting(1, minimum=0)  # 1: comments on posts, as in 2020; 0: at any depth
    self_posts_only: bool = True  # as in 2020: link posts have no text
    max_pairs: int = setting(0, minimum=0)  # 0: all; else whole threads up to this many pairs
    reach_months: int = setting(1, minimum=0)  # 99.8 % of replies come within a month
    # Cleaning rules to skip, of those in botlib/data/pairs/cleaning.py,
    skip_rules: str = "deleted_account"  # comma-separated; a closed account withdraws no text
    min_words: int = setting(2, minimum=0)  # "Thanks!" teaches a model to say just that
    max_words: int = setting(300, minimum=1)  # longer ones are essays, not replies
    max_tokens: int = setting(450, minimum=1)  # a comment and a reply fit GPT-2's 1024 tokens
    tokenizer: str = ""  # folder of encoder.json and vocab.bpe; empty: tokens are estimated
    # A text is dropped if its probability of another language than English reaches this
    foreign_probability: float = setting(0.5, minimum=0.0, maximum=1.0)
    min_score_hours: float = setting(6.0, minimum=0.0)  # younger scores have not settled
    near_duplicate: float = setting(0.7, minimum=0.1, maximum=1.0)  # shared 3-word sequences
    template_limit: int = setting(5, minimum=1)  # texts that may begin (or end) alike
    # tutorial: the 2020 bins; quantiles: equal shares
    rating_bins: str = setting("tutorial", choices=("tutorial", "quantiles"))
    # Room for the join of source="dumps"
    memory_limit: str = "1GB"
    max_temp: str = "20GB"  # disk that the join may use
    # The highest share of damaged lines in a file
    max_malformed: float = setting(0.01, minimum=0.0, maximum=1.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gpt2Settings(Settings):
    """02_gpt2_finetune: which GPT-2, and how it is fine-tuned."""

    notebook: ClassVar[str] = "02_gpt2_finetune"

    # 124M, 355M, 774M, distilgpt2, dialogpt-small|medium|large, hf:OWNER/NAME[@REVISION] (any
    # GPT-2 of the Hugging Face Hub), a folder, or "scratch"
    base_model: str = "355M"
    run_name: str = "run1"  # models/gpt2/{run_name}
    # Training steps of batch_size × window tokens; 0: the base model unchanged
    steps: int = setting(1000, minimum=0)
    # What the model sees above a comment, in training, fakes and live replies alike: nothing (as in
    # 2020), the post's title, or the post's text and the comments in between too. Measured once,
    # on small models from scratch: perplexity 339 of unseen replies with nothing, 322 with the
    # title, 323 with the thread (benchmarks/conversation.py)
    context: str = setting("title", choices=("comment", "title", "thread"))
    context_tokens: int = setting(128, minimum=16)  # the most tokens it may take of the prompt
    batch_size: int = setting(0, minimum=0)  # 0: what a 16 GB GPU takes for this base model
    learning_rate: float = setting(0.0, minimum=0.0)  # 0: chosen by the base model's size
    # Tokens of a training window: 1024 in gpt-2-simple; comments are short, and fewer are cheaper
    window: int = setting(1024, minimum=32, maximum=1024)
    accumulate_gradients: int = setting(1, minimum=1)  # batches added up before a step
    # How the learning rate changes over time
    schedule: str = setting("cosine", choices=("cosine", "constant"))
    optimizer: str = setting("adam", choices=("adam", "sgd"))  # sgd: a third of the memory
    only_train_transformer_layers: bool = False  # embeddings frozen: less memory
    multi_gpu: bool = False  # layers spread over all GPUs
    round_steps: int = setting(0, minimum=0)  # steps between validations; 0: a tenth of steps
    patience: int = setting(3, minimum=0)  # rounds without a better validation; 0: never stop
    max_minutes: float = setting(0.0, minimum=0.0)  # saves and ends before Colab does; 0: none
    validation_pairs: int = setting(200, minimum=0)  # held-out replies scored after each round
    xla: str = setting("auto", choices=("auto", "on", "off"))  # auto: on a GPU
    mixed_precision: str = setting("auto", choices=("auto", "on", "off"))  # auto: on a GPU
    threads: int = setting(0, minimum=0)  # CPU cores for training; 0: all
    keep_optimizer: bool = True  # exact resume; False needs a third of the disk
    quantization: str = setting(  # how the inference model is stored
        "float16", choices=("float32", "float16", "int8", "int8_float16")
    )
    # base_model="scratch": the shape of your own small GPT-2
    scratch_layers: int = setting(4, minimum=1)
    scratch_width: int = setting(256, minimum=16)  # width of the hidden states
    scratch_heads: int = setting(4, minimum=1)  # attention heads
    scratch_vocabulary: int = setting(8000, minimum=300)  # tokens of its vocabulary


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampling(Checked):
    """How the next token is drawn: the fields that settings and `gpt2.decoder.Decoder` share."""

    temperature: float = setting(0.7, minimum=0.0)  # 0: always the likeliest token (greedy)
    top_k: int = setting(40, minimum=0)  # sample from the k likeliest tokens; 0: from all
    # … and of these from the fewest whose probabilities reach p
    top_p: float = setting(1.0, above=0.0, maximum=1.0)
    repetition_penalty: float = setting(1.0, above=0.0)  # above 1: tokens used get less likely
    min_tokens: int = setting(1, minimum=0)  # the fewest tokens of a reply
    # The most tokens of a reply; a reply cut here is unfinished
    max_tokens: int = setting(100, minimum=1)

    def _check(self) -> None:
        super()._check()
        if self.min_tokens > self.max_tokens:
            raise self._error(f"min_tokens {self.min_tokens} is above max_tokens {self.max_tokens}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderSettings(Sampling, Settings):
    """How replies are sampled: the same for fakes (03) and for live replies (05)."""

    banned: str = ""  # comma-separated strings that no reply may hold


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierSettings(Settings):
    """What both classifiers share."""

    # https://www.kaggle.com/models/tensorflow/bert, "minilm", "scratch:2x128" or a folder
    encoder: str = "https://tfhub.dev/tensorflow/bert_en_uncased_L-12_H-768_A-12/4"
    epochs: int = setting(1, minimum=1)  # passes over the training pairs
    batch_size: int = setting(32, minimum=1)  # pairs in a training step
    # Its peak; 2e-5 to 5e-5 for a trained encoder, 5e-4 for a scratch one
    learning_rate: float = setting(2e-5, minimum=0.0)
    max_pairs: int = setting(0, minimum=0)  # 0: all training pairs
    max_minutes: float = setting(0.0, minimum=0.0)  # 0: no limit
    patience: int = setting(2, minimum=0)  # validations without a better one before it stops
    class_weights: str = setting("none", choices=("none", "balanced"))  # count classes alike
    trained_layers: int = setting(0, minimum=0)  # only this many top layers; 0: all
    mixed_precision: str = setting("auto", choices=("auto", "off"))  # auto: if supported
    xla: str = setting("auto", choices=("auto", "off"))  # auto: on a GPU
    classifier_max_tokens: int = setting(64, minimum=8)  # of comment and reply together


@dataclasses.dataclass(frozen=True, kw_only=True)
class RealismSettings(ClassifierSettings, DecoderSettings):
    """03_bert_realism: fakes, and a classifier that distinguishes them from real replies."""

    notebook: ClassVar[str] = "03_bert_realism"

    gpt2_run: str = "run1"  # which models/gpt2/{run_name} writes the fakes
    fake_comments: int = setting(1000, minimum=10)  # comments answered
    fakes_per_comment: int = setting(10, minimum=1)  # fakes for each comment
    # More ways to sample than the one above, temperature:top_k:top_p, so that the classifier
    # doesn't learn one decoder's habits; each gets its share of the fakes
    more_decoders: str = "1.0:0:0.95"
    unseen_decoder: str = "0.9:20:1.0"  # for the test comments only: does it generalise?
    # Real pairs that the judge of fit learns from; 0: all. Two cores process 100 to 250 a second,
    # and four times as many pairs added 0.006 to an AUC of 0.92
    fit_pairs: int = setting(10_000, minimum=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpvotesSettings(ClassifierSettings):
    """04_bert_upvotes: four ratings, and which of two siblings ranks higher."""

    notebook: ClassVar[str] = "04_bert_upvotes"

    # What orders the replies to one comment: "own", trained here, or a DialogRPT of the Hub
    # (hf:microsoft/DialogRPT-updown, 1.5 GB) where validation finds it to be better
    rank: str = "own"
    classifier_max_tokens: int = setting(128, minimum=8)  # of comment and reply together


@dataclasses.dataclass(frozen=True, kw_only=True)
class GenerateSettings(DecoderSettings):
    """05_generate: which comments are read, and how many candidate replies each gets."""

    notebook: ClassVar[str] = "05_generate"

    # archive: Reddit through the public archive, without a key; nothing can be posted there
    reddit: str = setting("live", choices=("live", "archive", "sandbox"))
    subreddits: str = setting(TUTORIAL_SUBREDDITS, required=True)  # comma-separated; to read
    listing: str = setting("rising", choices=("rising", "hot", "new"))  # which posts are read
    posts_per_subreddit: int = setting(5, minimum=1)  # posts read in each subreddit
    min_comment_score: int = 3  # a comment needs a score above this
    max_age_hours: float = setting(24.0, minimum=0.0)  # of the oldest comment that is read; 0: any
    # Replies to the bot's own comments may be answered: at most twice in a conversation, a person
    # at most twice a day, and as always after a person approved
    answer_replies: bool = setting(False, looser=different)
    answer_mentions: bool = setting(False, looser=different)  # the same for u/NAME of the bot
    more_requests: int = setting(4, minimum=0)  # the most requests for the rest of a thread
    gpt2_run: str = "run1"  # which models/gpt2/{run_name} writes
    candidates: int = setting(10, minimum=1)  # replies for each comment
    date: str = ""  # names the tables; empty: today


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostSettings(Settings):
    """06_discriminate_and_post: which replies are good enough, and what may be posted."""

    notebook: ClassVar[str] = "06_discriminate_and_post"

    # archive: approved replies are handed over to a person, who posts them
    reddit: str = setting("live", choices=("live", "archive", "sandbox"))
    # Lowest probability of being real that passes
    threshold: float = setting(0.9, minimum=0.0, maximum=1.0, looser=lower)
    # Above 0: the threshold that reaches this precision on validation pairs, half of them fake
    precision: float = setting(0.0, minimum=0.0, maximum=1.0, looser=different)
    max_chars: int = setting(1000, minimum=1, looser=higher)  # longer replies are dropped
    # Comma-separated; only these are ever posted to
    allowed_subreddits: str = setting("", looser=different)
    dry_run: bool = setting(True, looser=different)  # only False posts; the text "false" is refused
    date: str = ""  # which tables to read; empty: the newest
    # On the live site a person approves each reply; "sandbox" lets a demo approve its own there
    approve: str = setting("person", choices=("person", "sandbox"), looser=different)
    # Hours until an approval expires, since threads move on; 0: never
    approval_hours: float = setting(48.0, minimum=0.0, looser=higher_or_none)
    # As in 05: a comment whose score has sunk to this since approval needs a second approval
    min_comment_score: int = setting(3, looser=lower)
    # replies below one post; here and in the next three settings 0 means no limit
    max_per_post: int = setting(1, minimum=0, looser=higher_or_none)
    # replies to one person a day
    max_per_person_day: int = setting(1, minimum=0, looser=higher_or_none)
    # replies in one subreddit an hour
    max_per_subreddit_hour: int = setting(1, minimum=0, looser=higher_or_none)
    max_per_day: int = setting(10, minimum=0, looser=higher_or_none)  # replies a day in all
    # The shortest pause between two posts, as in 2020
    min_pause_minutes: float = setting(1.0, minimum=0.0, looser=lower)
    # the longest pause between two posts
    max_pause_minutes: float = setting(11.0, minimum=0.0, looser=lower)
    # Hours to look for a reply that may be on Reddit before it may be sent again
    settle_hours: float = setting(1.0, minimum=0.0, looser=lower)
    delete_below: int = setting(-1, looser=lower)  # own replies with a lower score are deleted
    notice_below: int = 0  # own replies with a lower score are worth a notice (BOTLIB_WEBHOOK)

    def _check(self) -> None:
        super()._check()
        if self.min_pause_minutes > self.max_pause_minutes:
            raise self._error(
                f"min_pause_minutes {self.min_pause_minutes:g} is above max_pause_minutes "
                f"{self.max_pause_minutes:g}: set both"
            )
        if self.approve == "sandbox" and self.reddit != "sandbox":
            raise self._error(
                'approve="sandbox" only approves replies to the sandbox: on the live site a person '
                "approves each reply (python -m botlib review --live)"
            )


NOTEBOOKS: dict[str, type[Settings]] = {
    cls.notebook: cls
    for cls in (
        DataSettings,
        Gpt2Settings,
        RealismSettings,
        UpvotesSettings,
        GenerateSettings,
        PostSettings,
    )
}
