"""Counter-based randomness: every random number is a pure function of an address.

    draw(key(seed, stream, epoch, row), index)

gives 64 bits of a counter-based hash (SplitMix64; Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators") in integer arithmetic, identical on every platform. There is no generator state to advance, so batch size,
evaluation order, workers, ranks and resuming cannot change a value. Seeds are hashed, never added: seed 0, epoch 1
differs from seed 1, epoch 0. Streams are named, so adding a new kind of draw leaves all existing draws unchanged.
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
    """A bijection on 64-bit words in which every input bit affects every output bit (SplitMix64's finaliser)."""
    x = (x ^ (x >> _30)) * FIRST
    x = (x ^ (x >> _27)) * SECOND
    return x ^ (x >> _31)


@njit(cache=True, nogil=True, inline="always")
def draw(key: np.uint64, index: int) -> np.uint64:
    """64 random bits: number `index` (0, 1, ...) of the sequence under `key`."""
    return mix(key + np.uint64(index + 1) * GOLDEN)


@njit(cache=True, nogil=True, inline="always")
def below(bits: np.uint64, high: int) -> int:
    """A uniform integer in [0, high), high < 2^32, from the upper 32 bits of a draw."""
    return np.int64(((bits >> _32) * np.uint64(high)) >> _32)  # type: ignore[return-value]


@njit(cache=True, nogil=True, inline="always")
def fraction(bits: np.uint64) -> np.float32:
    """A uniform float32 in [0, 1) from the upper 24 bits of a draw: as many as float32 represents exactly."""
    return np.float32(bits >> _40) * np.float32(2.0**-24)


@njit(cache=True, nogil=True)
def absorb(state: np.uint64, word: np.uint64) -> np.uint64:
    """Extend an address by one word. Under the same state, different words never collide, since `mix` is a
    bijection."""
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
    """The 64-bit hash of a stream's name."""
    return np.uint64(int.from_bytes(blake2b(stream.encode(), digest_size=8).digest(), "little"))


@njit(cache=True)
def _absorb_all(words: np.ndarray) -> np.uint64:
    state = np.uint64(0)
    for word in words:
        state = absorb(state, word)
    return state


def address(seed: int, stream: str, *words: int) -> int:
    """Hash a seed, a stream name and any number of words to 64 bits, as a Python int: a seed for other generators.

    Raises ValueError when `seed` does not fit in 64 bits.
    """
    if not 0 <= seed < LIMIT:
        raise ValueError(f"seed={seed}: must be an integer from 0 to 2^64 - 1")
    return int(_absorb_all(np.array([seed, stream_word(stream), *words], np.uint64)))


@cache
def base_key(seed: int, stream: str) -> np.uint64:
    """The part of an address that all rows share; cached."""
    return np.uint64(address(seed, stream))


@dataclass(frozen=True)
class Noise:
    """The random numbers of B rows, addressed by seed, epoch and row."""

    seed: int
    epochs: Tensor
    """[B] int64, the epoch of each row."""
    rows: Tensor
    """[B] int64, the identity of each row in the data set, not its index in the batch."""

    def __getitem__(self, chosen: slice | Tensor) -> "Noise":
        """The noise of the rows selected by `chosen`."""
        return Noise(self.seed, self.epochs[chosen], self.rows[chosen])

    def keys(self, stream: str) -> np.ndarray:
        """[B] uint64, one key per row, for compiled kernels: `draw(key, i)` gives the bits."""
        keys = np.empty(len(self.rows), np.uint64)
        _row_keys(base_key(self.seed, stream), self.epochs.numpy(), self.rows.numpy(), keys)
        return keys

    def bits(self, stream: str, n: int) -> np.ndarray:
        """[B, n] uint64, n draws per row."""
        out = np.empty((len(self.rows), n), np.uint64)
        _bits(self.keys(stream), out)
        return out

    def uniform(self, stream: str, n: int) -> Tensor:
        """[B, n] float32, uniform in [0, 1), with 24 random bits each."""
        return torch.from_numpy((self.bits(stream, n) >> _40).astype(np.float32) * np.float32(2.0**-24))

    def below(self, high: int, stream: str, n: int) -> Tensor:
        """[B, n] int64, uniform in [0, high), high < 2^32."""
        scaled = ((self.bits(stream, n) >> _32) * np.uint64(high)) >> _32
        return torch.from_numpy(scaled.astype(np.int64))


def dropout_generator(device: torch.device) -> torch.Generator:
    """The generator that dropout layers draw from. It is torch's only hidden state here; it is reseeded at every
    step."""
    return torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator


R2_STEPS = np.array([0xC13FA9A902A6328F, 0x91E10DA5C79E7B1D], np.uint64)
"""1/g and 1/g² in units of 2^-64, where g is the plastic number: the increments of the R2 sequence, which covers the
unit square evenly (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences")."""


def low_discrepancy(noise: Noise, stream: str) -> np.ndarray:
    """[B] float64, uniform in [0, 1), evenly spread over the rows of an epoch and over the epochs of a row.

    Systematic sampling: independent draws of, say, a mask ratio would leave gaps and clusters; a low-discrepancy
    sequence gives the same distribution with less variance. A value depends on the address alone, not on the batch.
    """
    index = np.stack([noise.rows.numpy(), noise.epochs.numpy()]).astype(np.uint64)
    bits = base_key(noise.seed, stream) + (index * R2_STEPS[:, None]).sum(0, dtype=np.uint64)
    # uint64 arithmetic wraps, which is exactly the modulo 1 of the sequence; float64 holds the upper 53 bits
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def token_probs(scores: Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """Sampling probabilities, [N, V] float64, from logits.

    scores: [N, V], any float dtype; -inf excludes a token.
    temperature: 0 puts all probability on the best token.  top_k: keep only the k best; 0 keeps all. top_p: nucleus
    sampling (Holtzman et al. 2020, section 3.1): keep the fewest best tokens whose probability reaches top_p, including
    the one that crosses it. Both cuts apply after the temperature.
    """
    if temperature == 0:
        return torch.zeros(scores.shape, dtype=torch.float64).scatter_(1, scores.argmax(1, keepdim=True), 1.0)
    probs = (scores.double() / temperature).softmax(1)
    if top_k:
        best = probs.topk(min(top_k, probs.shape[1]))
        probs = torch.zeros_like(probs).scatter_(1, best.indices, best.values)
    if top_p < 1:
        ordered, indices = probs.sort(dim=1, descending=True, stable=True)
        before = ordered.cumsum(1) - ordered
        nucleus = ordered.where(before < top_p * ordered.sum(1)[:, None], 0)
        probs = torch.zeros_like(probs).scatter_(1, indices, nucleus)
    return probs / probs.sum(1, keepdim=True)


def inverse_cdf(probs: Tensor, u: Tensor) -> Tensor:
    """[N] int64, the sampled tokens: where the cumulative probability passes `u`, [N] float64 in [0, 1)."""
    cdf = probs.cumsum(1)
    total = cdf[:, -1]  # rounding leaves it near 1, not at it; scaling u keeps every sample inside the vocabulary
    reached = torch.minimum(u.double() * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(cdf, reached[:, None], right=True)[:, 0]
