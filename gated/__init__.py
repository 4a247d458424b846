"""gated watches Prometheus while a release is rolled out and says promote, hold or rollback."""

__version__ = "0.1.0"
