"""Nouns: the values every other room speaks in.

Frozen dataclasses, enums, units and errors. Nothing here does I/O, reads a clock, logs, or imports another
room or a third-party package. Instants are Unix seconds as `float`; durations are seconds as `float`.
"""
