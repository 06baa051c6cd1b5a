"""Building blocks of transformers, which the models in `models/` put together."""
