"""What the simulated scripts share. It is light: hundreds of them run at a time on few cores."""

import ast
import json
import os
import time
from pathlib import Path

FRAME_BYTES = 60_000
"""What a frame takes in a simulated ZIP."""

SETTINGS = json.loads(os.environ.get("CASTGRAPH_SIMULATED", "{}"))
"""What `benchmarks/plan.py` says.

`real`: folder of the real scripts, whose imports are made; `folder`: where jobs write when they ran;
`borrow`; `frame_s`, `unzip_s`: seconds for a frame; `start_s`: for a worker.
"""


def import_as(script: str) -> None:
    """Import what the real script imports, where this is asked for."""
    if SETTINGS.get("real"):
        source = ast.parse((Path(SETTINGS["real"]) / script).read_text())
        source.body = [node for node in source.body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(source, script, "exec"), {})  # noqa: S102


def began() -> float:
    """Tell when this process began, in seconds of the system's clock since it was started."""
    ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def now() -> float:
    """Tell the time on the clock of `began`."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def record(rule: str, broadcast: str, spans: list[tuple[float, float]], worked: float = 0.0) -> None:
    """Write down when cores were in use, the job's own first, and the seconds of encoding; if asked for."""
    if "folder" not in SETTINGS:
        return
    path = Path(SETTINGS["folder"]) / f"{rule}.{broadcast}.json"
    path.write_text(json.dumps({"rule": rule, "broadcast": broadcast, "spans": spans, "worked": worked}))
