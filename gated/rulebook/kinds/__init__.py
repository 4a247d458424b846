"""How each kind of rule is spelled in a file, and what it becomes in the model."""
