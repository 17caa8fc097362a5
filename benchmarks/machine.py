"""Description of the machine that the figures were measured on."""

import importlib.metadata
import os
import platform
import shutil
import subprocess


def describe():
    """Return lines on the processor and on the versions of the programs."""
    return [
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}.",
        ", ".join(f"{name} {version(name)}" for name in
                  ("dedalus", "numpy", "scipy", "llvmlite", "pyfftw")) + f", XMDS2 {_xmds()}.",
    ]  # fmt: skip


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            found = {line.split(":")[0].strip(): line.split(":")[1].strip()
                     for line in lines if ":" in line}  # fmt: skip
        return f"{found['model name']} ({found.get('cache size', '?')} L2)"
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def _xmds():
    if not shutil.which("xmds2"):
        return "not installed (apt install xmds2)"
    answer = subprocess.run(["xmds2", "--version"], capture_output=True, text=True, check=False)
    words = (answer.stdout + answer.stderr).split()
    return next((w.strip('"') for w in words if w[:1].isdigit() or w[:2] == '"3'), "installed")
