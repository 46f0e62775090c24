"""The sandbox bank: invented people, with accounts and two years of payments.

It is the first implementation of `endorse.bank.Bank` and an example of one.
"""

from endorse.sandbox.bank import SandboxBank

__all__ = ["SandboxBank"]
