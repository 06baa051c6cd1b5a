"""One thread a process: small models are no faster with more, and the suite runs on all cores by processes."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import torch

torch.set_num_threads(1)
