"""A Ray cluster: joined, or begun on this machine."""

from importlib.util import find_spec
from typing import Any


def join(address: str | None) -> Any:
    """The package ray, joined to the cluster at `address`.

    `auto` is the one that runs here, `local` starts one, none is whichever of the two it can be.

    Raises ImportError when the package is missing and ValueError when there is no such cluster.
    """
    if find_spec("ray") is None:
        raise ImportError("work on a cluster needs Ray: pip install 'maskwright[ray]'")
    import ray

    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, ignore_reinit_error=True)
    except (ConnectionError, ValueError) as error:
        raise ValueError(f"no Ray cluster at {address!r}: {' '.join(str(error).split())}") from None
    return ray
