"""The little that SQLite and PostgreSQL must both offer; everything else is the same SQL."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from endorse.store.news import News

Row = Sequence[Any]
Value = str | int | None
T = TypeVar("T")


class StoreAway(Exception):
    """The database did not answer or did not commit; nothing of the call was stored.

    A fault, not a refusal: the caller answers 503 and the request may be repeated. The one case
    in which nobody can know is a connection that is lost while the commit is under way: whoever
    repeats the request meets guards that tell what happened.
    """


class Busy(StoreAway):
    """Tables that a change of the schema needs were in use for too long; nothing was changed."""


class Connection(Protocol):
    """Runs statements with `$1`-style placeholders. SQLite's methods never really wait."""

    async def one(self, sql: str, *values: Value) -> Row | None:
        """Give the first row, or None."""
        ...

    async def all(self, sql: str, *values: Value) -> Sequence[Row]:
        """Give all rows."""
        ...

    async def run(self, sql: str, *values: Value) -> int:
        """Run a statement that changes rows; give how many it changed."""
        ...

    async def run_all(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement that adds or changes rows once for each of these values."""
        ...


Query = Callable[[Connection], Awaitable[T]]


class Ear(Protocol):
    """Hears what the servers that share a database tell each other."""

    def deaf_for(self) -> float:
        """Give the seconds for which it has tried to hear and could not; 0 while it hears."""
        ...

    async def run(self, each: Callable[[News], Awaitable[None]]) -> None:
        """Hand all news to `each`, for ever; `ANYTHING` first, and whenever some may be lost."""
        ...


class Engine(Protocol):
    """One database: where to read, where to write, and how to end."""

    async def read(self, query: Query[T]) -> T:
        """Run a query on a connection that only reads what is committed. Raises `StoreAway`."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        """Borrow the writing connection for one database transaction, committed at the end.

        Leaving it by an exception rolls back. Raises `StoreAway` if the commit failed.
        """
        ...

    def migrating(self) -> AbstractAsyncContextManager[Connection]:
        """Borrow a connection as `writing` does, alone among all servers that start.

        Raises `Busy` where a table is in use: who serves must not wait behind a migration.
        """
        ...

    def written_elsewhere(self) -> bool:
        """Say whether another process may have written since this was last asked.

        Raises `StoreAway`.
        """
        ...

    def aside(self) -> "AbstractAsyncContextManager[Connection | None] | None":
        """Borrow a connection for clean-up beside the writer, committed at the end.

        It is None while another server cleans up. None in its place where one connection alone
        may write: what is cleaned up there then takes its turn with the rest.
        """
        ...

    async def turn_over(self, now: int) -> int:
        """Make the partitions of coming hours, drop those that are over; give until when none is.

        Nothing else waits for it: where a table is in use it is tried again at the next call.
        """
        ...

    def forgetting(self, table: str, expiry: str, returned: str) -> str:
        """Write the DELETE of a table's oldest rows, returning some columns of each.

        `$1` is the time up to which, `$2` the number at most. However large the table is, it looks
        at these rows alone.
        """
        ...

    async def tell(self, db: Connection, text: str) -> None:
        """Tell all ears, once this transaction is committed. Nothing where there are none."""
        ...

    @property
    def ear(self) -> Ear | None:
        """What hears the others; None where no more than one server can be."""
        ...

    @property
    def name(self) -> str:
        """Give which database it is: "sqlite" or "postgresql"."""
        ...

    @property
    def listing(self) -> str:
        """Give the SELECT of the names of all tables."""
        ...

    async def close(self) -> None:
        """Give all connections back."""
        ...
