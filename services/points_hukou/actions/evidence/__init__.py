"""The evidence door: what offices give of persons (`entry`, `taking`), withdraw, read (`reading`), answer for (`contests`)."""
