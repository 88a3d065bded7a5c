"""How fast ours is beside Stable-Baselines3: `python -m benchmarks.speed`."""
