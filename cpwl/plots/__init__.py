"""Pictures, with matplotlib, and the interactive page."""
