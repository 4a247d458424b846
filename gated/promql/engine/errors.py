"""Why an expression has no value."""


class Unsupported(Exception):
    """It uses what this engine does not know; Prometheus may well know it."""


class EvaluationFailed(Exception):
    """Prometheus would refuse it as well, on this data."""
