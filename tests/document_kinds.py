"""What a block of code in the documentation is checked as: each kind has a check; a block without a kind is a fault.

The language after the fence says the kind, or a comment before the block: `<!-- check: KIND -->`. A kind that cannot be
checked is listed with the reason, in `UNCHECKED`.
"""

import configparser
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click
import yaml

from gated.cli.main import main
from gated.daemon.settings_schema import ConfigFile
from gated.operations.replay.releases_file import ReleasesFile
from gated.promql import syntax
from gated.rulebook import strict_yaml
from gated.rulebook.cases import CasesFile
from gated.rulebook.entry import Entry, bind
from gated.rulebook.load import assemble
from tests.documents import REPOSITORY, Block

UNCHECKED: Mapping[str, str] = {
    "text": "what a program prints; where it is the output of a command of gated, a test of its page compares it",
    "diff": "what a program prints",
    "mermaid": "a drawing",
}
_CONTROL = re.compile(r"[();<>|&]+")
_ASSIGNMENT = re.compile(r"\w+=\S*")
_BEFORE_A_COMMAND = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "time", "exec", "{", "sudo"})
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")
"""Of GitHub's workflows."""


def faults(block: Block) -> list[str]:
    """Everything that is wrong with a block; each begins with its place."""
    kind = block.check or block.language
    if kind in UNCHECKED:
        return []
    check = CHECKS.get(kind)
    if check is None:
        known = ", ".join(sorted({*CHECKS, *UNCHECKED}))
        return [f"{block.place}: nobody checks {kind or 'a block without a language'}; known: {known}"]
    return [f"{block.place}: {fault}" for fault in check(block.text)]


# --- shell ------------------------------------------------------------------------------------------------------------


def of_shell(text: str) -> Iterator[str]:
    """Shell that parses, whose commands of gated exist, with all their options and arguments."""
    told = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False).stderr
    if told:
        yield told.strip()
        return
    for line in text.replace("\\\n", " ").splitlines():
        for words in commands(line):
            yield from _of_command(words)


def of_console(text: str) -> Iterator[str]:
    """A session: commands after `$ `, everything else is what they print."""
    typed = re.findall(r"^\$ ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    if not typed:
        yield "nothing is typed here; commands begin with '$ '"
    for line in typed:
        yield from of_shell(f"{line}\n")


def commands(line: str) -> Iterator[list[str]]:
    """The commands in a line of shell, as lists of words, without redirections."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        tokens = list(lexer)
    except ValueError:  # a quotation over several lines
        return
    words: list[str] = []
    skips = False
    for token in [*tokens, ";"]:
        if not _CONTROL.fullmatch(token):
            if not skips:
                words.append(token)
            skips = False
        elif token[0] in "<>":
            skips = True  # the file that follows
            if words and words[-1] in {"1", "2"}:
                words.pop()
        else:
            while words and (words[0] in _BEFORE_A_COMMAND or _ASSIGNMENT.fullmatch(words[0])):
                words.pop(0)
            if words:
                yield words
            words, skips = [], False


def _of_command(words: list[str]) -> Iterator[str]:
    """What is wrong with a command of gated, or a word of the Makefile; others are not ours."""
    match words:
        case ["make", *targets]:
            known = re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
            yield from (f"there is no make {word}" for word in targets if "=" not in word and word not in known)
        case ["gated" | "~/gated/bin/gated" | "/usr/bin/gated", *given]:
            yield from _of_gated(given)
        case _:
            return


def _of_gated(given: list[str]) -> Iterator[str]:
    command: click.Command = main
    told = " ".join(["gated", *given])
    words = list(given)
    context = click.Context(command, info_name="gated")
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0]) if words else None
        if found is None:
            if words in (["--help"], ["--version"]):
                return
            yield f"there is no command {told!r}"
            return
        command, words = found, words[1:]
    if "--help" in words:
        return
    context = click.Context(command, info_name=command.name)
    try:
        values, rest, _ = command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        yield f"{told!r}: {error.format_message()}"
        return
    if rest:
        yield f"{told!r}: too many arguments"
    for parameter in command.params:
        yield from (f"{told!r}: {fault}" for fault in _of_parameter(parameter, values.get(parameter.name), context))


def _of_parameter(parameter: click.Parameter, value: Any, context: click.Context) -> Iterator[str]:
    if not isinstance(value, str | tuple | list) or value in ((), []):
        if parameter.required:
            yield f"{parameter.human_readable_name} is missing"
        return
    if isinstance(parameter.type, click.Path):
        return  # a file of the reader's
    for each in [value] if isinstance(value, str) else value:
        if not isinstance(each, str) or "$" in each:
            continue
        try:
            parameter.type.convert(each, parameter, context)
        except click.BadParameter as error:
            yield f"{parameter.human_readable_name}: {error.format_message()}"


# --- YAML -------------------------------------------------------------------------------------------------------------


def of_yaml(text: str) -> Iterator[str]:
    """YAML, recognised by its keys: a file of gated's, alerting rules, workflows, manifests, Prometheus' own."""
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        yield f"no YAML: {error}"
        return
    for document in documents:
        yield from _of_document(document, text)


def of_faulty_rules(text: str) -> Iterator[str]:
    """A rule file that shows what faults look like."""
    if not any(fault.is_error for fault in assemble([strict_yaml.read(text.encode(), "rules.yaml")]).faults):
        yield "this rule file has no fault"


def _of_document(document: object, text: str) -> Iterator[str]:
    """A file of gated's own, read by its loader; or somebody else's."""
    match document:
        case {"cases": _}:
            yield from _of_entry(CasesFile, text)
        case {"releases": _}:
            yield from _of_entry(ReleasesFile, text)
        case {"version": 1}:
            loaded = assemble([strict_yaml.read(text.encode(), "rules.yaml")])
            yield from (str(fault) for fault in loaded.faults if fault.is_error)
        case {"rules": [str(), *_]}:
            yield from _of_entry(ConfigFile, text)
        case dict(part) if told := _of_parts(part, text):
            yield from min(told, key=len)
        case _:
            yield from _of_others(document)


def _of_parts(part: dict[str, Any], text: str) -> list[list[str]]:
    """The faults of a part of gated.yaml, or of the values of a chart, for each that it may be."""
    told = [list(of_values(part, chart)) for chart in _charts() if part.keys() <= chart.keys()]
    if part.keys() <= ConfigFile.model_fields.keys():
        told.append(_of_entry(ConfigFile, f"rules: [rules/]\n{text}"))
    return told


def _charts() -> list[dict[str, Any]]:
    """The default values of the Helm charts that there are."""
    return [yaml.safe_load(file.read_text()) for file in (REPOSITORY / "deploy").glob("helm/*/values.yaml")]


def of_values(values: dict[str, Any], defaults: dict[str, Any], path: str = "") -> Iterator[str]:
    """Values of a Helm chart that it knows. Where its defaults are empty, what may stand there is the reader's."""
    for key, value in values.items():
        if key not in defaults:
            yield f"the chart has no value {path}{key}"
        elif isinstance(value, dict) and defaults[key] and key != "annotations":
            if isinstance(defaults[key], dict):
                yield from of_values(value, defaults[key], f"{path}{key}.")
            else:
                yield f"{path}{key} holds no values of its own"


def _of_others(document: object) -> Iterator[str]:
    match document:
        case {"groups": list(groups)}:
            yield from (fault for group in groups for fault in _of_alerting(group["rules"]))
        case [{"alert": _} | {"record": _}, *_]:
            yield from _of_alerting(document)
        case {"jobs": dict(jobs)}:
            for step in (step for job in jobs.values() for step in job["steps"]):
                yield from of_shell(_EXPRESSION.sub("$x", step.get("run", "")))
        case (
            {"apiVersion": str(), "kind": str()} | {"scrape_configs": list()} | {"services": dict()} | {"route": dict()}
        ):
            return  # manifests, Prometheus, compose, Alertmanager: their own tools check what deploy/ holds of them
        case dict(jobs) if jobs and all(isinstance(job, dict) and "script" in job for job in jobs.values()):
            for job in jobs.values():
                yield from of_shell("\n".join(job["script"]))
        case _:
            yield "nobody knows what this YAML is; name a kind before it: <!-- check: KIND -->"


def _of_entry(entry: type[Entry], text: str) -> list[str]:
    document = strict_yaml.read(text.encode(), "example.yaml")
    _, found = bind(document, (), entry)
    return [str(fault) for fault in (*document.faults, *found)]


def _of_alerting(rules: Iterable[Any]) -> Iterator[str]:
    for rule in rules:
        yield from of_promql(rule["expr"])


# --- others -----------------------------------------------------------------------------------------------------------


def of_promql(text: str) -> Iterator[str]:
    """One expression, or several: each begins in the first column."""
    for expression in re.split(r"\n(?=\S)", text.strip()):
        if expression.startswith("#"):
            continue
        try:
            syntax.parse(expression)
        except syntax.PromQLError as error:
            yield str(error)


def of_json(text: str) -> Iterator[str]:
    """One document."""
    try:
        json.loads(text)
    except ValueError as error:
        yield str(error)


def of_python(text: str) -> Iterator[str]:
    """A module; what runs it is named by a `file:` comment."""
    try:
        compile(text, "<block>", "exec")
    except SyntaxError as error:
        yield str(error)


def of_toml(text: str) -> Iterator[str]:
    """One document."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield str(error)


def of_ini(text: str) -> Iterator[str]:
    """Sections with keys, as systemd's units have them."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    try:
        parser.read_string(text)
    except configparser.Error as error:
        yield str(error)
    if not parser.sections():
        yield "there is no [Section]"


def of_nginx(text: str) -> Iterator[str]:
    """Directives that end, in blocks that close. Whether they exist only nginx could tell."""
    bare = re.sub(r"#.*", "", re.sub(r"\"[^\"]*\"|'[^']*'", "x", text))
    depth = 0
    for mark in re.findall(r"[{}]", bare):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            yield "a block is closed that was not opened"
            return
    if depth:
        yield "a block is not closed"
    if re.search(r"[^;{}\s]\s*(?:\}|\Z)", bare):
        yield "a directive does not end with a semicolon"


CHECKS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "bash": of_shell,
    "console": of_console,
    "faulty-rules": of_faulty_rules,
    "ini": of_ini,
    "json": of_json,
    "nginx": of_nginx,
    "promql": of_promql,
    "py": of_python,
    "python": of_python,
    "sh": of_shell,
    "shell": of_shell,
    "systemd": of_ini,
    "toml": of_toml,
    "yaml": of_yaml,
    "yml": of_yaml,
}
"""By kind. Each gives the faults of a text."""
