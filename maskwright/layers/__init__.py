"""The parts that transformers share; a model in `models/` puts them together."""
