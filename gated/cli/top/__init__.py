"""`gated top`: all gates in the terminal.

`rows`, `columns`, `detail` and `watch` are pure: documents in, texts out, and neither a clock nor a terminal. Only
`app` and `screens` know textual, which is an optional extra; nothing else may import them.
"""
