"""The special tokens that training needs, and the names that other tokenizers have for them.

Five are for every objective, and a tokenizer without them gets them. The direction of reading, and right or wrong, are
what some objectives tell or ask: tokenizers that we learn have them too, a loaded one is given them on demand.

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

MORE = {"forward": "[FW]", "backward": "[BW]", "wrong": "[WRONG]", "right": "[RIGHT]"}
"""Role to name of those that only some objectives need."""

OURS = [*(names[0] for names in NAMES.values()), *MORE.values()]


def roles(known: dict[str, int]) -> dict[str, str]:
    """Role to the name that `known` (name to id) has for it, else to ours; those of MORE only where they are known."""
    needed = {role: next((name for name in names if name in known), names[0]) for role, names in NAMES.items()}
    return needed | {role: name for role, name in MORE.items() if name in known}
