"""The one exception type for what the user can mend, and its kinds."""

_LINE = 480  # characters of a whole error
_CURE = 200  # what a cure may always have, and more where the rest is short
_PLACE = 120  # what a place may always have, and more where the rest is short


def visible(text: str) -> str:
    """`text` with an escape for each character that cannot be seen, such as a tab, or that would steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def one_line(text: str, limit: int) -> str:
    """`text` in one line of at most `limit` printable characters; of a longer one the middle is left out.

    Line breaks and runs of blanks become one blank, other control characters their escapes.
    """
    if len(text) > 4 * limit:  # before anything is done with each character of it
        text = f"{text[: 2 * limit]} … {text[-2 * limit :]}"
    plain = visible(" ".join(text.split()))
    if len(plain) <= limit:
        return plain
    ahead = (limit - 1) // 2
    return f"{plain[:ahead]}…{plain[len(plain) - (limit - 1 - ahead) :]}"


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
        """At most 480 characters: a value of any length may be in it, and the cure is to stay readable."""
        spare = _LINE - len(self.where) - len(self.what) - len(": . ")
        cure = one_line(self.cure, max(_CURE, spare))
        room = _LINE - len(cure) - len(": . ")
        what = one_line(self.what, room)
        where = one_line(self.where, max(_PLACE, room - len(what)))
        return one_line(f"{where}: {one_line(what, room - len(where))}. {cure}", _LINE)


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
