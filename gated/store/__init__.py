"""Durable state: releases, decisions, history, audit and the outbox, in SQLite or PostgreSQL.

`repository.Store` is the door. It writes what a decision returned and reads it back; it decides nothing, reads no
clock, and speaks the nouns of `gated.model` only. SQLAlchemy Core is used synchronously; every method may be called
from any thread and blocks it while the database works.
"""
