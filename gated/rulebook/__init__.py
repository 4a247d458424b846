"""Text to model: rule files are read, checked as a whole, and turned into a `Rulebook`.

A file is bytes (`strict_yaml`), then a `document` of plain values with places, then entries of a schema (`entry`,
`kinds`, `plans`), then the dataclasses of the model (`load`). What is wrong at any of these steps is a `fault`.
"""
