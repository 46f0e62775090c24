"""The protocol, pure: facts, the time and fresh random bytes go in, a decision comes out.

Nothing here does I/O: no clock, no randomness of its own, no database, no HTTP.
"""
