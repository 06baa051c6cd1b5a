"""What other systems' configs mean here: a file each, with the settings that are its SIGNS and a function `convert`."""
