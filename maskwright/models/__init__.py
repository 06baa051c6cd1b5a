"""Models, one file each: the file is its name, its class the settings, PRESETS the sizes."""
