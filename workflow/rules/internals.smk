# What the workflow takes from Snakemake beyond what it documents, all of it. When a new version no longer offers
# one, tests/workflow/test_internals.py says which.
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.workflow import sourcecache_entry

# The folder of our Snakefile, also where another workflow uses this one as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
# Such a workflow may put all our files under a prefix. Later it is another module's.
PREFIX = workflow.modifier.path_modifier


def placed(path):
    """Where a file of the workflow lies. Snakemake sees to inputs and outputs, not to params."""
    return str(PREFIX.replace_prefix(path))


def recorded_as(path, name):
    """A path that is recorded under a name, so that what follows is not made again when the path is another."""
    return sourcecache_entry(path, name)


def refusal(message):
    """What to raise to end the run with a message and no traceback."""
    return WorkflowError(message)


def warn(message):
    """Say something beside what Snakemake says."""
    logger.warning(message)


def given_config_files():
    """The config files of the user."""
    return workflow.configfiles


def is_main_process():
    """Whether this is the Snakemake that the user started, and not one that it started for a job."""
    return workflow.is_main_process


def run_cores():
    """--cores, or 0."""
    return workflow.resource_settings.cores or 0


def run_limit(resource):
    """What --resources grants to all jobs together, or None."""
    return workflow.global_resources.get(resource).value


def make_by_default(rule):
    """Give a run its default target; Snakemake takes none from a file that is included."""
    if workflow.modifier.is_main_snakefile():  # and not another workflow's module
        workflow.default_target = rule
