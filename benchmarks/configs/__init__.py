"""The configuration groups of studies (suite, algo, env, launcher), and the claims of papers. One YAML file is one option."""

from pathlib import Path

CONFIGS = Path(__file__).parent
VERDICTS = CONFIGS / "verdicts.csv"  # of the published claims: what reports say of those about a study's algorithms


def options(group: str) -> list[str]:
    """The names in one of the groups."""
    return sorted(path.relative_to(CONFIGS / group).with_suffix("").as_posix() for path in (CONFIGS / group).rglob("*.yaml"))
