"""Models, one file each: the file's name is the model's, its class holds the settings, PRESETS the sizes."""
