"""Measures latency, start and whole flows a second of a real `endorse sandbox` process."""
