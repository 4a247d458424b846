"""How the tables came to be: one file per revision in `versions`, run by `gated.store.schema.upgrade`.

A new revision is numbered one higher than the last, becomes `schema.HEAD`, and changes `tables.py` with it; a contract
test compares the two on both engines. There is no way back: restore a backup.
"""
