"""How a reply is sampled: one set of settings for fakes and for live replies alike."""

import dataclasses

from botlib.errors import BotlibError
from botlib.settings import DecoderSettings, Sampling


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decoder(Sampling):
    """Sampling settings; several of them can be mixed in one call of `Generator.generate`.

    The fields and their limits are those of `botlib.settings.Sampling`.

    Raises:
      BotlibError: a value out of range, named.
    """

    banned: tuple[str, ...] = ()  # strings that no reply may hold

    def __post_init__(self) -> None:
        if isinstance(self.banned, str):
            raise BotlibError("banned must be a list of strings, not one string")
        object.__setattr__(self, "banned", tuple(self.banned))
        super().__post_init__()

    @classmethod
    def of(cls, settings: DecoderSettings) -> "Decoder":
        """Returns the decoder that a notebook's settings describe, field by field."""
        values = {name: getattr(settings, name) for name in cls.names()}
        banned = tuple(filter(None, map(str.strip, settings.banned.split(","))))
        return cls(**values | {"banned": banned})

    @property
    def greedy(self) -> bool:
        return self.temperature == 0 or self.top_k == 1
