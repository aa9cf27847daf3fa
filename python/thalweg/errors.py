"""What can go wrong: every error says where, what was found, and what to do about it."""


class ThalwegError(Exception):
    """An error of Thalweg.

    Attributes
    ----------
    place : str or None
        Where it is: a file, line and column, or an option.
    remedy : str or None
        What to do about it.
    """

    def __init__(self, message, place=None, remedy=None):
        super().__init__(message)
        self.place = place
        self.remedy = remedy

    @classmethod
    def of(cls, message, place=None, remedy=None):
        """An error whose text has the place and the remedy, as the library's have."""
        before = f"{place}: " if place else ""
        after = f"\n  fix: {remedy}" if remedy else ""
        return cls(f"{before}{message}{after}", place, remedy)

    def __reduce__(self):
        return type(self), (str(self), self.place, self.remedy)


class ConfigError(ThalwegError, ValueError):
    """A wrong option or value."""


class DataError(ThalwegError, ValueError):
    """Data that does not fit."""


class CheckError(ThalwegError):
    """A check that failed."""


class DivergedError(ThalwegError, ArithmeticError):
    """Training that diverged: its cost is no longer a finite number."""


class InternalError(ThalwegError):
    """A fault of Thalweg itself."""


class TrainingInterrupted(UserWarning):
    """Training was ended by Ctrl-C; the best parameters so far are kept."""
