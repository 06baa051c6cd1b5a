"""The five special tokens that training needs, and the names that other tokenizers have for them.

End-of-text tokens as GPT-2's are special, but they are no mask and no padding: a tokenizer without one gets a new id.
"""

NAMES = {
    "pad": ("[PAD]", "<pad>", "<|pad|>", "<|padding|>"),
    "unk": ("[UNK]", "<unk>"),
    "cls": ("[CLS]", "<s>", "<cls>", "<bos>", "<|begin_of_text|>"),
    "sep": ("[SEP]", "</s>", "<sep>", "<eos>"),
    "mask": ("[MASK]", "<mask>", "<|mask|>"),
}
"""Role to names; the first is the one we give."""

OURS = [names[0] for names in NAMES.values()]


def roles(known: dict[str, int]) -> dict[str, str]:
    """Role to the name that `known` (name to id) has for it, else to ours."""
    return {role: next((name for name in names if name in known), names[0]) for role, names in NAMES.items()}
