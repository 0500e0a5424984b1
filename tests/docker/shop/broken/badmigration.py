"""Fails before it has changed anything."""
revision = "r2"
down_revision = "r1"
branch_labels = None
depends_on = None


def upgrade():
    raise RuntimeError("r2 cannot be applied")
