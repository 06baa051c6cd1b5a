"""Randomness as a function: every draw has an address, and the address is the whole state.

    draw(key(seed, stream, epoch, row), index)

is 64 bits of a counter-based hash (SplitMix64; Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators") in integer arithmetic, the same on every platform. No generator is advanced, so no order of evaluation,
batch, worker or rank can change a value. Seeds are hashed, never added: seed 0, epoch 1 is not seed 1, epoch 0.
Streams have names, so a new draw moves no old one.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
import torch
from numba import njit
from torch import Tensor

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)
LIMIT = 2**64

_30, _27, _31, _32, _40 = (np.uint64(shift) for shift in (30, 27, 31, 32, 40))


@njit(cache=True, nogil=True, inline="always")
def mix(x: np.uint64) -> np.uint64:
    """A bijection of 64-bit words in which every input bit moves every output bit."""
    x = (x ^ (x >> _30)) * FIRST
    x = (x ^ (x >> _27)) * SECOND
    return x ^ (x >> _31)


@njit(cache=True, nogil=True, inline="always")
def draw(key: np.uint64, index: int) -> np.uint64:
    """64 random bits: draw number `index` (0, 1, ...) under `key`."""
    return mix(key + np.uint64(index + 1) * GOLDEN)


@njit(cache=True, nogil=True, inline="always")
def below(bits: np.uint64, high: int) -> int:
    """An integer in [0, high), high < 2^32, from the upper 32 bits of a draw."""
    return np.int64(((bits >> _32) * np.uint64(high)) >> _32)  # type: ignore[return-value]


@njit(cache=True, nogil=True, inline="always")
def fraction(bits: np.uint64) -> np.float32:
    """A float32 in [0, 1) from the upper 24 bits of a draw, which it holds exactly."""
    return np.float32(bits >> _40) * np.float32(2.0**-24)


@njit(cache=True, nogil=True)
def absorb(state: np.uint64, word: np.uint64) -> np.uint64:
    """Take one more word into an address; different words never meet under the same state."""
    return mix((state ^ word) + GOLDEN)


@njit(cache=True, nogil=True)
def _row_keys(base: np.uint64, epochs: np.ndarray, rows: np.ndarray, keys: np.ndarray) -> None:
    for b in range(len(rows)):
        keys[b] = absorb(absorb(base, np.uint64(epochs[b])), np.uint64(rows[b]))


@njit(cache=True, nogil=True)
def _bits(keys: np.ndarray, out: np.ndarray) -> None:
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i] = draw(keys[b], i)


@cache
def stream_word(stream: str) -> np.uint64:
    """The 64-bit word that a stream's name stands for in an address."""
    return np.uint64(int.from_bytes(blake2b(stream.encode(), digest_size=8).digest(), "little"))


@njit(cache=True)
def _absorb_all(words: np.ndarray) -> np.uint64:
    state = np.uint64(0)
    for word in words:
        state = absorb(state, word)
    return state


def address(seed: int, stream: str, *words: int) -> int:
    """64 random bits, as a Python int, at an address of any number of words: the seed of something outside.

    Raises ValueError when `seed` does not fit in 64 bits.
    """
    if not 0 <= seed < LIMIT:
        raise ValueError(f"seed={seed}: a seed is a whole number from 0 to 2^64 - 1")
    return int(_absorb_all(np.array([seed, stream_word(stream), *words], np.uint64)))


@cache
def base_key(seed: int, stream: str) -> np.uint64:
    """The part of an address that all rows share."""
    return np.uint64(address(seed, stream))


@dataclass(frozen=True)
class Noise:
    """The randomness of B rows."""

    seed: int
    epochs: Tensor
    """[B] int64, the epoch that each row is in."""
    rows: Tensor
    """[B] int64, what each row is, not its place in the batch."""

    def __getitem__(self, chosen: slice | Tensor) -> "Noise":
        """The randomness of the rows at `chosen`."""
        return Noise(self.seed, self.epochs[chosen], self.rows[chosen])

    def keys(self, stream: str) -> np.ndarray:
        """[B] uint64, a key for each row; `draw(key, i)` gives its bits. For kernels."""
        keys = np.empty(len(self.rows), np.uint64)
        _row_keys(base_key(self.seed, stream), self.epochs.numpy(), self.rows.numpy(), keys)
        return keys

    def bits(self, stream: str, n: int) -> np.ndarray:
        """[B, n] uint64, n draws for each row."""
        out = np.empty((len(self.rows), n), np.uint64)
        _bits(self.keys(stream), out)
        return out

    def uniform(self, stream: str, n: int) -> Tensor:
        """[B, n] float32 in [0, 1), 24 bits each."""
        return torch.from_numpy((self.bits(stream, n) >> _40).astype(np.float32) * np.float32(2.0**-24))

    def below(self, high: int, stream: str, n: int) -> Tensor:
        """[B, n] int64 in [0, high), high < 2^32."""
        scaled = ((self.bits(stream, n) >> _32) * np.uint64(high)) >> _32
        return torch.from_numpy(scaled.astype(np.int64))


def dropout_generator(device: torch.device) -> torch.Generator:
    """The generator that dropout layers draw from, the one hidden state there is: seeded by address at every step."""
    return torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator


R2_STEPS = np.array([0xC13FA9A902A6328F, 0x91E10DA5C79E7B1D], np.uint64)
"""1/g and 1/g² in units of 2^-64 for the plastic number g: the steps of a two-dimensional sequence that fills the
square evenly (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences")."""


def low_discrepancy(noise: Noise, stream: str) -> np.ndarray:
    """[B] float64 in [0, 1), uniform, and spread evenly over the rows of an epoch and over the epochs of a row.

    A function of the address alone, so that a batch is spread no more evenly than its rows are.
    """
    place = np.stack([noise.rows.numpy(), noise.epochs.numpy()]).astype(np.uint64)
    bits = base_key(noise.seed, stream) + (place * R2_STEPS[:, None]).sum(0, dtype=np.uint64)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def token_probs(scores: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """[N, V] float64, the probabilities that tokens are drawn with; scores: [N, V], any float dtype, -inf for never.

    temperature: 0 leaves the best alone.  top_k: only so many best; 0 for all.
    top_p: only the fewest best whose probability reaches it (Holtzman et al. 2020, section 3.1), the one that crosses
    it included. Cuts come after the temperature.
    """
    if temperature == 0:
        return torch.zeros(scores.shape, dtype=torch.float64).scatter_(1, scores.argmax(1, keepdim=True), 1.0)
    found = (scores.double() / temperature).softmax(1)
    if top_k:
        best = found.topk(min(top_k, found.shape[1]))
        found = torch.zeros_like(found).scatter_(1, best.indices, best.values)
    if top_p < 1:
        ordered, places = found.sort(dim=1, descending=True, stable=True)
        before = ordered.cumsum(1) - ordered
        found = torch.zeros_like(found).scatter_(1, places, ordered.where(before < top_p * ordered.sum(1)[:, None], 0))
    return found / found.sum(1, keepdim=True)


def inverse_cdf(token_probs: Tensor, luck: Tensor) -> Tensor:
    """[N] int64, the token at which the cumulative probability passes `luck`, [N] float64 in [0, 1)."""
    ladder = token_probs.cumsum(1)
    whole = ladder[:, -1]
    reached = torch.minimum(luck.double() * whole, torch.nextafter(whole, torch.zeros_like(whole)))
    return torch.searchsorted(ladder, reached[:, None], right=True)[:, 0]
