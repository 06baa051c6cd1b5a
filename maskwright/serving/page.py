"""The page, and the headers that restrict it to its own script and to requests to this server."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

PAGE = Path(__file__).with_name("page.html")


def headers(page: str) -> dict[str, str]:
    """The headers of every response. The content security policy allows the page's own script and style by hash,
    and requests to this server."""
    script, style = (_hash(page, part) for part in ("script", "style"))
    policy = {
        "default-src": "'none'", "script-src": script, "style-src": style, "connect-src": "'self'", "img-src": "data:",
        "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    return {
        "content-security-policy": "; ".join(f"{what} {where}" for what, where in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }


def _hash(page: str, part: str) -> str:
    """The hash of a page's only <script> or <style>, in the notation of a content security policy."""
    (content,) = re.findall(f"<{part}>(.*?)</{part}>", page, flags=re.DOTALL)
    return f"'sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
