"""Tables, and what learns them."""


def __getattr__(name: str):
    if name == "TabularPolicy":  # files written before version 0.2 know it by this address
        from from_scratch.core.tabular.tables import TabularPolicy

        return TabularPolicy
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'.")
