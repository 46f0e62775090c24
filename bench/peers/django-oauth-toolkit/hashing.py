"""A password hash that costs nothing: what a slow one costs would hide all the rest."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class OneRound(PBKDF2PasswordHasher):
    """What Django uses, with one round in place of a million."""

    iterations = 1
