"""What tables and figures are made of: whatever signs a name has, it is text there."""
