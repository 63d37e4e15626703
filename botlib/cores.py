"""How many processor cores this process may use."""

import os


def cores() -> int:
    """Returns the number of cores; a container may own fewer than the machine has."""
    # macOS has no affinity
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
