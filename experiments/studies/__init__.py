"""Studies of texts, and of what models make of them: asked for, computed, recorded, played again."""
