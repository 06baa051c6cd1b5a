"""Whether what a page needs is there."""

from importlib.util import find_spec


def check_installed() -> None:
    """Raises ImportError when the packages of the extra `serve` are not."""
    if any(find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise ImportError("the page needs Starlette and uvicorn: pip install 'maskwright[serve]'")
