"""The official BabyLM evaluation: its folders, its counts, and the file that is submitted."""
