"""Vectors of texts, learned from plain text: a pretrained model, handed over to sentence-transformers."""
