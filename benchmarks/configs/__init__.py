"""The configuration groups of studies: suite, algo, env, launcher. One YAML file is one option."""

from pathlib import Path

CONFIGS = Path(__file__).parent


def options(group: str) -> list[str]:
    """The names in one of the groups."""
    return sorted(path.relative_to(CONFIGS / group).with_suffix("").as_posix() for path in (CONFIGS / group).rglob("*.yaml"))
