"""A real Slurm of one node on this machine, for tests: slurmctld, slurmd and munge out of Debian's packages.

The packages are unpacked into a cache and not installed: with Slurm's commands on the PATH and no controller
behind them every start of Snakemake waits for seconds. Daemons, keys, logs and state lie in a folder of the
caller's, and the ports are free ones, so that several such clusters and a real one do not disturb each other.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

# What a machine that has Slurm itself would not fetch is named, too.
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
DAEMONS = ("slurmctld", "slurmd", "slurmstepd")

# A node of eight cores, whatever the machine has. Limits are enforced within a second, as far as Slurm can:
# it looks for jobs that are out of time every 30 s, and no limit is below a minute.
CONFIGURATION = """\
ClusterName=castgraph
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld_port}
SlurmdPort={slurmd_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
PluginDir={plugins}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
TaskProlog={folder}/prolog.sh
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0,sched_min_interval=100000
ReturnToService=2
MinJobAge=3600
KillWait=1
OverTimeLimit=0
JobRequeue=1
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 TmpDisk=20000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES DefaultTime=60 MaxTime=INFINITE State=UP
"""

COMMAND = """\
#!/bin/sh
export SLURM_CONF={folder}/slurm.conf LD_LIBRARY_PATH={library}:{library}/..
exec {program} "$@"
"""

# What clusters do so that each job has a temporary folder of its own.
PROLOG = """\
#!/bin/sh
echo "export TMPDIR={folder}/node/job-$SLURM_JOB_ID"
mkdir -p "{folder}/node/job-$SLURM_JOB_ID"
"""


class UnavailableError(Exception):
    """Slurm cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Job:
    """One job as Slurm remembers it."""

    id: str
    name: str
    state: str  # COMPLETED, CANCELLED, TIMEOUT, OUT_OF_MEMORY, ...
    comment: str  # what Snakemake says of it: the rule or group
    cores: int
    mem_mb: int
    minutes: int | None  # none: no limit


@dataclass(frozen=True)
class Slurm:
    """A cluster at work."""

    folder: Path
    environment: dict[str, str]
    """The environment in which Slurm's commands, and Snakemake, find the cluster."""

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands and give what it printed."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def jobs(self) -> list[Job]:
        """Every job that there ever was, in the order of submission."""
        lines = self.run("squeue", "--noheader", "--states=all", "--format=%i|%j|%T|%C|%m|%l|%k").splitlines()
        jobs = []
        for line in lines:
            number, name, state, cores, memory, limit, comment = line.split("|", 6)
            jobs.append(Job(number, name, state, comment, int(cores), _mb(memory), _minutes(limit)))
        return sorted(jobs, key=lambda job: int(job.id))

    @property
    def scratch(self) -> Path:
        """The folder in which every job has its TMPDIR."""
        return self.folder / "node"


@contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """Start a cluster of one node in `folder`, and stop it with all its jobs in the end, whatever happened.

    Raises
    ------
    UnavailableError
        Where the packages cannot be had, or the daemons do not start.
    """
    prefix = _unpacked()
    library = next(prefix.glob("usr/lib/*/slurm-wlm"), None)
    if library is None:
        raise UnavailableError(f"Debian's packages have no usr/lib/*/slurm-wlm (in {prefix})")
    for name in ("munge", "state", "spool", "node", "bin", "sbin"):
        (folder / name).mkdir(mode=0o700)
    for program in (prefix / "usr" / "bin").iterdir():
        # They set their own environment: Snakemake's plugin takes SLURM_CONF away before it calls srun.
        command = folder / "bin" / program.name
        command.write_text(COMMAND.format(library=library, folder=folder, program=program))
        command.chmod(0o755)
    for name in DAEMONS:
        # Debian appends a flavour that it takes away at installation. Plugins crash under another name.
        (folder / "sbin" / name).symlink_to(prefix / "usr" / "sbin" / f"{name}-wlm")
    environment = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    own = environment | {
        "SLURM_CONF": str(folder / "slurm.conf"),
        "LD_LIBRARY_PATH": f"{library}{os.pathsep}{library.parent}",
    }
    ports = _free_ports(2)
    values = {
        "host": socket.gethostname().split(".")[0],
        "slurmctld_port": ports[0],
        "slurmd_port": ports[1],
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "plugins": library,
        "folder": folder,
    }
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**values))
    (folder / "prolog.sh").write_text(PROLOG.format(**values))
    (folder / "prolog.sh").chmod(0o755)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    cluster = Slurm(folder, environment)
    programs = folder / "sbin"
    munge = [
        f"--{name}={folder / 'munge' / name}" for name in ("socket", "pid-file", "log-file", "seed-file")
    ]
    with ExitStack() as running:
        start = _starter(running, own, folder)
        start(prefix / "usr" / "sbin" / "munged", "--foreground", "--force", f"--key-file={key}", *munge)
        _wait(lambda: (folder / "munge" / "socket").exists(), "munged", folder)
        start(programs / "slurmctld", "-D")
        start(programs / "slurmd", "-D", "-d", str(programs / "slurmstepd"))
        _wait(lambda: "idle" in cluster.run("sinfo", "--noheader", "--format=%T"), "slurmd", folder)
        try:
            yield cluster
        finally:
            with suppress(RuntimeError, subprocess.TimeoutExpired):
                cluster.run("scancel", "--user", values["user"])
                _wait(lambda: not cluster.run("squeue", "--noheader"), "scancel", folder)


def install_plugin(folder: Path) -> None:
    """Install what the extra ``slurm`` adds to the environment into a folder.

    Raises
    ------
    UnavailableError
        Where it cannot be had.
    """
    export = ["uv", "export", "--frozen", "--quiet", "--no-dev", "--no-emit-project", "--no-hashes"]
    export += ["--no-header", "--no-annotate", "--project", str(ROOT)]
    without, whole = (set(_uv(*export, *more).splitlines()) for more in ([], ["--extra", "slurm"]))
    _uv("uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *sorted(whole - without))


def _uv(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise UnavailableError(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
    return done.stdout


def _mb(memory: str) -> int:
    """Memory as squeue prints it, in MB."""
    return int(float(memory[:-1]) * {"M": 1, "G": 1024, "T": 1024**2}[memory[-1]])


def _minutes(limit: str) -> int | None:
    """A time limit as squeue prints it (``[days-][hours:]minutes:seconds``), in minutes."""
    if limit == "UNLIMITED":
        return None
    days, _, clock = limit.rpartition("-")
    hours, minutes, _ = ["0", *clock.split(":")][-3:]
    return (int(days or 0) * 24 + int(hours)) * 60 + int(minutes)


def _starter(running: ExitStack, environment: dict[str, str], folder: Path) -> Callable[..., None]:
    def start(program: Path, *arguments: str) -> None:
        with (folder / f"{program.name}.output").open("w") as output:
            # Should this process be killed, the kernel ends the daemon.
            command = ["setpriv", "--pdeathsig", "KILL", str(program), *arguments]
            process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        running.callback(_stop, process)

    return start


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(condition: Callable[[], object], what: str, folder: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(RuntimeError):
            if condition():
                return
        time.sleep(0.1)
    logs = [*folder.glob("*.output"), *folder.glob("*.log"), *folder.glob("munge/log-file")]
    said = "\n".join(f"{path.name}: {path.read_text(errors='replace')[-500:]}" for path in logs)
    raise UnavailableError(f"{what} did not get ready within {seconds:.0f} s\n{said}")


def _free_ports(n: int) -> list[int]:
    with ExitStack() as sockets:
        opened = [sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [int(opened_socket.getsockname()[1]) for opened_socket in opened]


def _unpacked() -> Path:
    """The packages' files, unpacked once for all test runs of a user on a distribution."""
    for tool in ("apt-get", "dpkg-deb", "setpriv"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"there is no {tool} here; Slurm is taken from Debian's packages")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "castgraph"
    cache.mkdir(parents=True, exist_ok=True)
    prefix = cache / f"slurm-{_distribution()}"
    with prefix.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not prefix.exists():
            part = prefix.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            _download(part)
            for package in part.glob("*.deb"):
                _apt("dpkg-deb", "-x", package.name, ".", cwd=part)
                package.unlink()
            part.rename(prefix)
    return prefix


def _distribution() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    facts = dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)
    return f"{facts.get('ID')}-{facts.get('VERSION_ID', 'rolling')}-{os.uname().machine}"


def _download(folder: Path) -> None:
    """Fetch the packages and what they need, if need be with package lists of our own."""
    folder.mkdir()
    own = [
        "-o",
        f"Dir::State::Lists={folder}/lists",
        "-o",
        f"Dir::Cache={folder}/cache",
        "-o",
        "Debug::NoLocking=1",
    ]
    for options in ([], own):
        try:
            if options:
                _apt("apt-get", "update", "-qq", *options, cwd=folder)
            # Only simulated: it tells what would be installed.
            plan = _apt(
                "apt-get", "install", "-s", "--no-install-recommends", *options, *PACKAGES, cwd=folder
            )
            missing = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
            _apt("apt-get", "download", "-qq", *options, *({*missing, *PACKAGES}), cwd=folder)
        except UnavailableError:
            if options:
                raise
        else:
            break
    for name in ("lists", "cache"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _apt(*command: str, cwd: Path) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{' '.join(command[:2])} took longer than {error.timeout:.0f} s") from error
    if done.returncode:
        raise UnavailableError(f"{' '.join(command[:2])} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


if __name__ == "__main__":
    # To look at a cluster by hand: python tests/cluster/slurm.py FOLDER
    place = Path(sys.argv[1]).absolute()
    place.mkdir(parents=True)
    with slurm(place) as started:
        print(f"export PATH={place}/bin:$PATH; Ctrl-C here stops the cluster", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
