"""The images that the benchmarks measure: those of CONFIDEXMON_IMAGE_*, else the test bed's."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def images():
    """CONFIDEXMON_IMAGE_* of every service; where none is set the engine is started and the bed's are made."""
    given = {name: value for name, value in os.environ.items() if name.startswith("CONFIDEXMON_IMAGE_")}
    if given:
        return given
    state = pathlib.Path(os.environ.get("XDG_STATE_HOME") or pathlib.Path.home() / ".local/state")
    script = (
        f"cd {ROOT} && . scripts/lib/common.sh && . scripts/lib/engine.sh && . scripts/lib/images.sh"
        " && ensure_engine && ensure_images"
    )
    subprocess.run(["bash", "-euc", script], check=True, stdin=subprocess.DEVNULL)
    lines = (state / "confidexmon-bed/images.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if name.startswith("CONFIDEXMON_IMAGE_")}
