"""The world turned into readings: Prometheus, Alertmanager and HTTP probes.

`Sources.read` answers every query it is given with a reading; it never raises for what a server does. NaN and
infinities never leave this room, nor does a credential. Nothing here logs, decides, or reads the wall clock.
"""
