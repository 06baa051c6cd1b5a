"""Orders of rows, one file each; the folder is the registry."""
