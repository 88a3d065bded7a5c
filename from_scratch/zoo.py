"""RL Zoo with the classes from here: importing this module puts ours into its table, where its train and enjoy look them up.

    python -m rl_zoo3.train --gym-packages from_scratch.zoo --algo ppo --env CartPole-v1
"""

try:
    from rl_zoo3.utils import ALGOS
except ImportError as error:
    if (error.name or "").partition(".")[0] != "rl_zoo3":
        raise ImportError(f"rl_zoo3 needs {error.name}: pip install {error.name} (docs/parity.md lists what else it needs)", name=error.name) from error
    raise ImportError("from_scratch.zoo needs the RL Zoo: pip install --no-deps rl_zoo3 (docs/parity.md says what else)", name="rl_zoo3") from error

from from_scratch import registry

NAMES = {"ppo_lstm": "recurrent_ppo"}  # what the Zoo calls otherwise

# In place: rl_zoo3's own modules hold this very dict.
ALGOS.update({name: registry.load(NAMES.get(name, name)) for name in ALGOS if NAMES.get(name, name) in registry.ENTRIES})
