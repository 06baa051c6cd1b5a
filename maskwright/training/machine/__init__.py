"""What follows from the machine: its peak, its kernels, and whether compiling pays on it."""
