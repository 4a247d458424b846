"""One module per rule kind. Each says what to ask (`queries`) and what the answers mean (`assess`).

The kinds do not know each other, nor phases, stages or time: only this look's evidence.
"""
