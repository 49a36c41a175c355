"""One script per claim of the literature; `scripts/gallery.py` runs them."""
