"""The daemon itself as a server on loopback, started as a user starts it: `gated serve --config gated.yaml`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.process import HttpServer

COMMAND = str(Path(sys.executable).with_name("gated"))
"""The installed command, beside the interpreter that runs us."""


class Gated(HttpServer):
    """One gate.

    Args:
        directory: where configuration, rules, state and log are.
        config: gated.yaml without `listen` and `rules`.
        rules: the content of each rule file, by its name.
        environment: further variables.
    """

    name = "gated"

    def __init__(
        self, directory: Path, *, config: str, rules: Mapping[str, str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._config = config
        self._variables = environment or {}
        for name, text in rules.items():
            self.rule_file(directory, name).parent.mkdir(parents=True, exist_ok=True)
            self.rule_file(directory, name).write_text(text)
        super().__init__(directory)

    @staticmethod
    def rule_file(directory: Path, name: str) -> Path:
        """Where a rule file lies."""
        return directory / "rules" / name

    def _command(self) -> list[str]:
        (self.directory / "gated.yaml").write_text(f"listen: 127.0.0.1:{self.port}\nrules: [rules/]\n{self._config}")
        return [COMMAND, "serve", "--config", "gated.yaml"]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._variables}
