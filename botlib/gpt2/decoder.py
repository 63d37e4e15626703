"""How a reply is sampled: one set of settings for fakes and for live replies alike."""

import dataclasses
from typing import Any

from botlib.errors import BotlibError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decoder:
    """Sampling settings; several of them can be mixed in one call of `Generator.generate`.

    Raises:
      BotlibError: a value out of range, named.
    """

    temperature: float = 0.7  # 0: always the likeliest token (greedy)
    top_k: int = 40  # sample from the k likeliest tokens; 0: from all
    top_p: float = 1.0  # … and of these from the fewest whose probabilities reach p
    repetition_penalty: float = 1.0  # above 1: tokens used before get less likely
    min_tokens: int = 1  # of the reply, without its end
    max_tokens: int = 100  # of the reply; where this cuts it, `finished` is False
    banned: tuple[str, ...] = ()  # strings that no reply may hold

    def __post_init__(self) -> None:
        for name, fits, need in (
            ("temperature", self.temperature >= 0, "0 or more"),
            ("top_k", self.top_k >= 0, "0 (all tokens) or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("repetition_penalty", self.repetition_penalty > 0, "above 0"),
            ("min_tokens", 0 <= self.min_tokens <= self.max_tokens, "between 0 and max_tokens"),
            ("max_tokens", self.max_tokens >= 1, "1 or more"),
        ):
            if not fits:
                raise BotlibError(f"{name} must be {need}, not {getattr(self, name)}")
        if isinstance(self.banned, str):
            raise BotlibError("banned must be a list of strings, not one string")
        object.__setattr__(self, "banned", tuple(self.banned))

    @classmethod
    def of(cls, settings: Any) -> "Decoder":
        """Returns the decoder that a notebook's settings describe, field by field."""
        names = [field.name for field in dataclasses.fields(cls)]
        values = {name: getattr(settings, name) for name in names if hasattr(settings, name)}
        if "banned" in values:
            values["banned"] = tuple(filter(None, map(str.strip, values["banned"].split(","))))
        return cls(**values)

    @property
    def greedy(self) -> bool:
        return self.temperature == 0 or self.top_k == 1
