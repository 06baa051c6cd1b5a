"""Retrieval by late interaction: a pretrained model, handed over to sentence-transformers."""
