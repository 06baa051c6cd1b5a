"""A repository on the Hub: a branch of it gets the files of a folder, by one commit, and only what differs is sent.

Who asks, and where, is what huggingface_hub knows: the token of `hf auth login` or HF_TOKEN, the Hub at HF_ENDPOINT.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, get_token
from huggingface_hub.errors import HTTPError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import validate_repo_id

from ...files.secrets import hide, remember

REASONS = {
    401: "the Hub does not know this token: log in again by `hf auth login`, or set another HF_TOKEN",
    403: "this token may not write to {name}: it needs the permission to write, and its owner a place there",
}
"""What a status of HTTP means here."""


@dataclass(frozen=True)
class Repository:
    """OWNER/NAME; it is made when the first folder is put there.

    Raises ValueError, in one sentence, where the name is none, nobody is logged in, or the Hub refuses.
    """

    name: str
    private: bool = False

    def __post_init__(self) -> None:
        if self.name.count("/") != 1:
            raise ValueError(f"{self.name!r} is not a repository name: give OWNER/NAME, as in someone/babylm-10m")
        validate_repo_id(self.name)
        if (token := get_token()) is None:
            raise ValueError("no Hub token found: log in with `hf auth login`, or set HF_TOKEN")
        remember(token)

    @cached_property
    def api(self) -> HfApi:
        """The Hub, where the repository is by now."""
        api = HfApi()
        api.create_repo(self.name, private=self.private or None, exist_ok=True)
        if self.private and not api.model_info(self.name).private:
            raise ValueError(f"{self.name} is there and public: hide it in its settings, or leave out --private")
        return api

    @cached_property
    def branches(self) -> set[str]:
        """The names of its branches."""
        return {found.name for found in self.api.list_repo_refs(self.name).branches}

    def put(self, branch: str, folder: Path) -> int:
        """Make the files of `folder` those of `branch`, and say how many had to be sent.

        Other files of the branch stay. A new branch begins at the first commit, so that until it has its own model it
        has none, rather than another one's.
        """
        with refusals(self.name):
            if branch not in self.branches:
                first = self.api.list_repo_commits(self.name)[-1].commit_id
                self.api.create_branch(self.name, branch=branch, revision=first)
                self.branches.add(branch)
            changed = self._changed(branch, folder)
            if changed:
                self.api.create_commit(self.name, changed, commit_message=f"The model of {branch}", revision=branch)
        return len(changed)

    def _changed(self, branch: str, folder: Path) -> list[CommitOperationAdd]:
        found = self.api.list_repo_tree(self.name, recursive=True, revision=branch)
        there = {file.path: file for file in found if isinstance(file, RepoFile)}
        here = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return [
            CommitOperationAdd(name, path)
            for name, path in here.items()
            if name not in there or not same(path, there[name])
        ]


def same(path: Path, there: RepoFile) -> bool:
    """Whether a file on the disk has the content of one on the Hub, by SHA-256 if it is large, else by git's."""
    if path.stat().st_size != there.size:
        return False
    if there.lfs:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == there.lfs.sha256
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == there.blob_id


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Within the block, what the Hub or the network refuses is a ValueError of one sentence.

    A large file that could not be sent is a RuntimeError in huggingface_hub, mostly with the reason as its cause;
    before its version 1, an error of the connection is an OSError.
    """
    try:
        yield
    except (HTTPError, OSError) as error:
        raise ValueError(sentence(error, name)) from error
    except RuntimeError as error:
        raise ValueError(sentence(error.__cause__ or error, name)) from error


def sentence(error: BaseException, name: str) -> str:
    """Why it was refused, and what to do."""
    response = getattr(error, "response", None)
    if response is not None and (reason := REASONS.get(response.status_code)):
        return reason.format(name=name)
    if response is not None:
        reason = getattr(error, "server_message", None) or "no reason given"
        why = f"the Hub refused ({response.status_code}): {reason}"
    else:
        what = "the connection to" if isinstance(error, HTTPError | OSError) else "the upload to"
        why = f"{what} the Hub at {HfApi().endpoint} failed ({error})"
    return f"{name} is not complete: {hide(' '.join(why.split()))}; run it again, and it goes on where it stopped"
