"""The one error a user meets: a clear line that says what is wrong and what to do."""


class BotlibError(Exception):
    """Something a user can mend: a file, a setting, an account. One line, with the cure."""
