"""The demo: real files through the whole path, and the same for a file of one's own."""
