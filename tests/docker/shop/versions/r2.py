import sqlalchemy as sa
from alembic import op

revision = "r2"
down_revision = "r1"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("orders", sa.Column("extra", sa.Text, nullable=False, server_default="new"))
