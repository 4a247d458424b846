"""What people and pipelines type: click commands that talk to a running daemon over HTTP, or to files."""
