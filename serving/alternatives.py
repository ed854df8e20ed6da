"""A place of a body that holds a text or a list of texts, which are told apart before they are read.

So an error names the place in the list. Its place has the name of the alternative, too, beside those of fields, which
have no space.
"""

from __future__ import annotations

ONE, MANY = "a text", "a list of texts"


def alternative(given: object) -> str:
    """Which of the two it is; what is neither is no text."""
    return MANY if isinstance(given, list) else ONE
