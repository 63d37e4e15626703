"""The error that users see: a line that says what is wrong and what to do."""


class BotlibError(Exception):
    """A problem that the user can solve (a file, a setting, an account): one line with the cure."""
