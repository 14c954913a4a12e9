"""Alembic's entry; the connection is handed in by `archiver.catalogue.opening`."""

from alembic import context

from archiver.catalogue.schema import metadata
from archiver.catalogue.words import INDEX


def is_of_the_schema(_object: object, name: str | None, *_: object) -> bool:
    """Leave alone the index of words, which is there only where a database can have it."""
    return not (name or "").startswith(INDEX)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    include_object=is_of_the_schema,
)
with context.begin_transaction():
    context.run_migrations()
