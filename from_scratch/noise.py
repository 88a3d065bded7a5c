"""Noise on actions that is not in Stable-Baselines3: `from from_scratch.noise import PinkActionNoise`."""

from from_scratch.core.noise import ColoredActionNoise, PinkActionNoise, coloured

__all__ = ["ColoredActionNoise", "PinkActionNoise", "coloured"]
