"""The number of processor cores that this process may use."""

import os


def cores() -> int:
    """Returns the number of cores; a container may have fewer than the machine."""
    # macOS has no affinity
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
