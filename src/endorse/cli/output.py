"""What every command does: run its work, print facts, say what went wrong."""

import asyncio
import sys
from typing import Any, NoReturn

import click


def show(facts: dict[str, Any], as_json: bool) -> None:
    """Print facts for a person or, on one line, for a program."""
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(facts))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        text = " ".join(value) if isinstance(value, list | tuple) else value
        if isinstance(value, bool):
            text = "yes" if value else "no"
        click.echo(f"{name:<{width}}  {text}")


def fail(told: str, status: int = 1) -> NoReturn:
    """Say what went wrong and end with this exit status."""
    click.echo(told, err=True)
    sys.exit(status)


def run(work: Any, status: int = 1) -> Any:
    """Run a coroutine; a fault that the caller can mend is told without a traceback.

    `status` is the exit status of such a fault.
    """
    import uvloop

    from endorse.store.connection import StoreAway
    from endorse.store.migrate import NewerSchema

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except (ValueError, OSError, StoreAway, NewerSchema) as error:
        fail(str(error), status)
    except KeyboardInterrupt:
        return None
