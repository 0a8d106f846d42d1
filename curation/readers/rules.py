"""What may stand in a source's `fields:` where the name of one field does not say how a column comes about."""

from typing import Annotated

from pydantic import Discriminator, Tag, model_validator

from mathmill.core.config import Config


class FieldRule(Config):
    """How a column comes from a record: joined, appended, mapped or constant.

    field: a field, or several, whose texts are put together with `join` between them; a list is put together so too.
    options: the field with the options of a multiple-choice question, which are appended, a line each. map: the field's
    text to what it means here, the first key that fits, where `*` stands for anything; what fits no key gives nothing.
    absent: texts that stand for nothing. replace: parts of the text by others. value: the same for every record.
    """

    field: str | tuple[str, ...] = ()
    join: str = "\n"
    options: str | None = None
    map: dict[str, str] = {}
    absent: tuple[str, ...] = ()
    replace: dict[str, str] = {}
    value: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "FieldRule":
        if (self.value is None) == (not self.names):
            raise ValueError("say which `field` the column comes from, or the `value` that all records have")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that the text comes from, without that of the options."""
        return (self.field,) if isinstance(self.field, str) else self.field


Rule = Annotated[
    Annotated[str, Tag("name")] | Annotated[FieldRule, Tag("rule")],
    Discriminator(lambda value: "name" if isinstance(value, str) else "rule"),
]
"""The name of a field, or a rule; told apart by type, so that a mistake in a rule is named as such."""
