"""What to do when a data set cannot be fetched: the end of the sentence that says so.

Hugging Face's hub says of a gated data set that is asked for without a token sometimes "401" and sometimes that there
is no such thing, so both are answered with what helps.
"""

_HUB = "hf://datasets/"
_REFUSED = ("401", "403", "gated", "restricted", "authenticated")


def advice(path: str, is_listed: bool) -> str:
    """Say what helps where a path could not be read; "" where that is for the reader to know.

    is_listed: whether the path is the catalogue's, so that a local copy can be put in its place.
    """
    if path.startswith(_HUB):
        return "; give `path:` with a local copy where the hub is out of reach"
    return "; give `path:` with a local copy where the net is out of reach" if is_listed and "://" in path else ""


def token_advice(path: str) -> str:
    """Say how a data set of the hub is read that is gated or private; "" for other paths."""
    if not path.startswith(_HUB):
        return ""
    card = "https://huggingface.co/datasets/" + "/".join(path.removeprefix(_HUB).partition("@")[0].split("/")[:2])
    return (
        f"; if it is gated, agree to its terms at {card} and set HF_TOKEN in the environment, "
        "or give `path:` with a local copy"
    )


def is_refused(error: BaseException) -> bool:
    """Say whether the hub asks who is there, by the words of an error and of what has caused it."""
    words = []
    cause: BaseException | None = error
    while cause is not None:
        words += [type(cause).__name__.lower(), str(cause).lower()]
        cause = cause.__cause__
    return any(word in text for text in words for word in _REFUSED)
