"""The orders in which rows can come: one file each, the folder is the registry."""
