"""An index of the letters of what is searched in."""

from alembic import op

from archiver.catalogue.words import forget_words, index_words

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    index_words(op.get_bind())


def downgrade() -> None:
    forget_words(op.get_bind())
