"""What can go wrong between Budgetly and the bank."""


class Trouble(Exception):
    """The bank cannot be used now.

    `reason` names a message of the problem page; `detail` is for developers.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Declined(Exception):
    """The person said no at the bank."""


class Ended(Exception):
    """The bank no longer accepts this connection."""
