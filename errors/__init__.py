"""The one exception type for what the user can mend, and its kinds."""


class UserError(Exception):
    """A problem that its reader can cure: what is wrong, where, and what to do.

    The command line prints it as one line on stderr and exits with code 2. Everything
    else that is raised is a fault of the program and keeps its traceback.
    """

    def __init__(self, what: str, *, where: str, cure: str) -> None:
        self.what = what
        self.where = where
        self.cure = cure
        super().__init__(f"{where}: {what}. {cure}")

    def __str__(self) -> str:
        return " ".join(f"{self.where}: {self.what}. {self.cure}".split())


class LibraryError(UserError):
    """What a library raised over something from outside; its own exception is the cause and is kept for debugging."""


class RunError(UserError):
    """One configuration cannot be run to its end, and another may: in a sweep, a failed trial that goes on."""


def no_hub(what: str, *, key: str) -> UserError:
    """For anything that only the hub has when no hub can be reached."""
    return UserError(
        f"{what} is not in the cache and no hub can be reached",
        where=key,
        cure=(
            "Give local folders with data.path=FOLDER and model.pretrained=FOLDER, "
            "or run `make demo`, which needs neither."
        ),
    )
