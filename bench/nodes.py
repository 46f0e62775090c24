"""Two servers on one PostgreSQL: pages wait at one, and phones call the other."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import postgres
from bench.server import Running, running


@contextmanager
def two(folder: str) -> Iterator[tuple[Running, Running]]:
    """Run both on the servers' core, and PostgreSQL on the driver's; stop all at the end."""
    with (
        postgres.database(postgres.binaries(), folder) as url,
        running(url) as here,
        running(url, beside=here) as there,
    ):
        yield Running(here.port, here.pid, there.facts), there
