"""What happens to one document or problem. The extractor is offered here, since most who look in want it alone."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mathmill.curation.extract import Block, ExtractedPage, Formula, extract_html

__all__ = ["Block", "ExtractedPage", "Formula", "extract_html"]


def __getattr__(name: str) -> Any:
    # on demand: readers and other parts of this package are imported without the HTML parser
    if name in __all__:
        from mathmill.curation import extract

        return getattr(extract, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
