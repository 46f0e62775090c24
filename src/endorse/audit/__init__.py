"""The attack suite: tries each known attack on QR approval against a running server.

It speaks HTTP and plays browsers and phones with `endorse.phone`; it knows nothing of the server's
inside. `endorse audit` runs it from the command line.
"""

from endorse.audit.attack import Attack, attacks, ready, run
from endorse.audit.finding import Finding, Outcome
from endorse.audit.target import PATIENCE, Target

__all__ = ["PATIENCE", "Attack", "Finding", "Outcome", "Target", "attacks", "ready", "run"]
