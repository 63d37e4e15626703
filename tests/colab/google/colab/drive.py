"""Without a browser nobody can allow the mount."""


def mount(mountpoint: str, force_remount: bool = False, timeout_ms: int = 120000) -> None:
    raise ValueError("mount failed")
