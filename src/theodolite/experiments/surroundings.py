"""Where a run took place: versions and machine, without names of people or hosts."""

import importlib.metadata
import os
import platform
from typing import Any

from threadpoolctl import threadpool_info

PACKAGES = ("theodolite", "numpy", "scipy", "scikit-learn", "jax")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages a result may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Kind of machine: system, processor, usable cores, linear algebra libraries with their threads."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": usable_cores(),
        "linear_algebra": [
            f"{library['internal_api']} {library.get('version') or ''}, {library['num_threads']} threads".replace(
                " ,", ","
            )
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ],
    }


def usable_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()
