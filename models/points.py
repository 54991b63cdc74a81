"""Transfers of points."""

from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Computed, text
from sqlmodel import Field, Relationship

from models.base import Base, Stamped
from models.user import User


class PointsTransaction(Stamped, Base, table=True):
    """A transfer of points from one member to another, with its fee."""

    __table_args__ = (
        CheckConstraint("sender_id <> receiver_id", name="two_members"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: UUID = Field(
        default_factory=uuid4, primary_key=True, sa_column_kwargs={"server_default": text("gen_random_uuid()")}
    )
    sender_id: int = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    receiver_id: int = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    amount: int = Field(gt=0)
    fee_rate: Decimal = Field(default=Decimal(0), ge=0, lt=1, max_digits=5, decimal_places=4)
    fee: Decimal | None = Field(
        default=None,
        max_digits=14,
        decimal_places=4,
        sa_column_args=[Computed("amount * fee_rate", persisted=True)],
        description="Computed by the database from amount and rate.",
    )

    sender: User = Relationship(sa_relationship_kwargs={"foreign_keys": "PointsTransaction.sender_id"})
    receiver: User = Relationship(sa_relationship_kwargs={"foreign_keys": "PointsTransaction.receiver_id"})
