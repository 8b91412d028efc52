"""The one slot that changes of a box are carried out in: its state, its locks."""
