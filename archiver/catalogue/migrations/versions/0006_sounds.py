"""What recordings are apart from their tags and containers."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "sound",
        sa.Column("aip_id", Identifier, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("codes", sa.Text, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("sample_rate", sa.Integer),
        sa.Column("channels", sa.Integer),
        sa.Column("packets_sha256", sa.LargeBinary(32)),
        sa.Column("pcm_md5", sa.LargeBinary(16)),
        sa.Column("fingerprint", sa.LargeBinary),
        sa.PrimaryKeyConstraint("aip_id", "path", name="pk_sound"),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name="fk_sound_aip_id"),
    )
    op.create_index("ix_sound_packets_sha256", "sound", ["packets_sha256"])
    op.create_index("ix_sound_pcm_md5", "sound", ["pcm_md5"])


def downgrade() -> None:
    op.drop_table("sound")
