"""Connect to a Ray cluster, or start one on this machine."""

from importlib.util import find_spec
from typing import Any


def join(address: str | None) -> Any:
    """The package ray, connected to the cluster at `address`.

    address: `auto` for a running cluster, `local` to start one, None for a running one if there is any, else a new one.

    Raises ImportError when ray is not installed and ValueError when there is no such cluster.
    """
    if find_spec("ray") is None:
        raise ImportError("running on a cluster needs Ray: pip install 'maskwright[ray]'")
    import ray

    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, ignore_reinit_error=True)
    except (ConnectionError, ValueError) as error:
        raise ValueError(f"no Ray cluster at {address!r}: {' '.join(str(error).split())}") from None
    return ray
