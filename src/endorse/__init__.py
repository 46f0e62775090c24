"""Endorse: an OAuth 2.0 authorization server whose users approve on their phone."""

__version__ = "0.1.0"
