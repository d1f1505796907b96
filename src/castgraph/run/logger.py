"""A logger plugin of Snakemake: it hands on what happens in a run to what tells people of it.

Snakemake finds it as ``snakemake_logger_plugin_castgraph`` (see pyproject.toml), and uses it where a profile
or ``--logger castgraph`` says so. Every start of Snakemake imports this module, also that of a single job, so
it imports little.
"""

from __future__ import annotations

import builtins
import itertools
import logging
import re
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from castgraph.base.streams import take_any_text
from castgraph.base.text import line

if TYPE_CHECKING:
    from castgraph.run.progress import Teller

_AGAIN = re.compile(r"Trying to restart job ([0-9]+)\.")
_NOTHING_TO_DO = "Nothing to be done"
# Around the sentence of an error: its kind, and the places in the code.
_FRAME = re.compile(r"\A\w*(Error|Exception)( in [^\n]*)?:\s|^ +File \"[^\n]*(\n|\Z)", re.MULTILINE)
_LAST_LINE = re.compile(r"\ATraceback .*\n(?:\w+\.)*(\w+): ([^\n]*)\s*\Z", re.DOTALL)
# What Snakemake says beside what a failed job says itself.
_ECHOES = (
    "RuleException:",
    "Exiting because a job execution failed",
    "Cannot restore ",
    "WorkflowError:\nAt least one job did not complete",
)


class LogHandler(LogHandlerBase):
    """Tell people what happens in a run, or in a dry run what would happen."""

    has_formatter = False  # Snakemake's own is for those who ask for its details
    needs_rulegraph = False
    writes_to_stream = True
    writes_to_file = False

    _is_closed = False

    def __post_init__(self) -> None:
        """Have any name of a file or person be printable."""
        take_any_text()

    @property
    def has_filter(self) -> bool:
        """Snakemake's own would drop errors, too, with --quiet."""
        return not self._is_detailed

    @property
    def _is_detailed(self) -> bool:
        settings = self.common_settings
        return bool(settings.verbose or settings.debug_dag or settings.printshellcmds)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on a record."""
        try:
            if self._teller is None:
                print(self.format(record), file=sys.stdout if self.common_settings.stdout else sys.stderr)
            else:
                _tell(self._teller, record)
        except Exception:  # what is told may not stop what is done
            self.handleError(record)

    def close(self) -> None:
        """Hand on that this was all."""
        if self._teller is not None and not self._is_closed:  # Snakemake closes twice
            self._teller.closes()
        self._is_closed = True
        super().close()

    @cached_property
    def _teller(self) -> Teller | None:
        """Who tells people; None for Snakemake's own way."""
        from castgraph.run.plan import Plan
        from castgraph.run.progress import Progress

        settings = self.common_settings
        if self._is_detailed:
            return None
        if settings.dryrun:
            return Plan()
        quiet = {str(getattr(each, "name", each)).lower() for each in settings.quiet or ()}
        return Progress(silent="all" in quiet, quiet="progress" in quiet)


def _tell(teller: Teller, record: logging.LogRecord) -> None:
    from castgraph.run.progress import Facts, Job

    text, found = record.getMessage(), record.__dict__
    match found.get("event"):
        case LogEvent.RUN_INFO:
            teller.plans(found["stats"])
        case LogEvent.JOB_INFO:
            outputs = [path.removesuffix(" (update)") for path in found["output"]]
            wildcards = dict(found["wildcards"] or {})
            teller.begins(Job(found["jobid"], found["rule_name"], wildcards, found["reason"] or "", outputs))
        case LogEvent.JOB_FINISHED:
            teller.ends(found["job_id"])
        case LogEvent.JOB_ERROR:
            teller.fails(found["jobid"], found["rule_name"], found["log"])
        case LogEvent.GROUP_ERROR:
            for job in found["job_error_info"]:
                teller.fails(job["jobid"], job["rule_name"], [*job["log"], *found["aux_logs"]])
        case _ if "castgraph" in found:
            teller.knows(Facts(**found["castgraph"]))
        case _ if again := _AGAIN.fullmatch(text):
            teller.tries_again(int(again[1]))
        case _ if text.startswith(_NOTHING_TO_DO):
            teller.has_nothing_to_do()
        case _ if record.levelno >= logging.WARNING and not text.startswith(_ECHOES):
            teller.says(_sentence(text), is_error=record.levelno >= logging.ERROR)


def _sentence(text: str) -> str:
    """Take an error of Snakemake without its kind and without the places in the code."""
    if "onfig" in text and (found := _config_files_that_are_none(sys.argv)):
        return found
    if match := _LAST_LINE.match(text):
        # A fault of the machine says itself what is wrong; of any other the whole story is told.
        if not issubclass(getattr(builtins, match[1], Exception), OSError):
            return text
        is_cache = ".cache" in match[2]  # of Snakemake, in the home folder
        return f"{match[2]}{'; set XDG_CACHE_HOME to a folder that can be written' if is_cache else ''}"
    return _FRAME.sub("", text)


def _config_files_that_are_none(arguments: Sequence[str]) -> str:
    """Say what is wrong with a file that was given as a configuration; Snakemake does not name it."""
    option = next((n for n, each in enumerate(arguments) if each.startswith("--configfile")), None)
    if option is None:
        return ""
    given = list(itertools.takewhile(lambda each: not each.startswith("-"), arguments[option + 1 :]))
    hint = (
        "; whatever follows --configfile is taken for one: put -- before a target" if len(given) > 1 else ""
    )
    for name in given:
        try:
            is_mapping = isinstance(yaml.safe_load(Path(name).read_text(encoding="utf-8")), dict)
            problem = "" if is_mapping else "holds no keys"
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
        except (yaml.YAMLError, ValueError) as error:
            problem = f"is not YAML ({line(str(error))})"
        if problem:
            return f"the configuration {name} {problem}{hint}"
    return ""
