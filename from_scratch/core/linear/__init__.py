"""Weights on features, and what learns them."""


def __getattr__(name: str):
    if name == "LinearPolicy":  # files written before version 0.2 know it by this address
        from from_scratch.core.linear.policy import LinearPolicy

        return LinearPolicy
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'.")
