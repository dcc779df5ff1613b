"""The evidence door: what offices give of persons (`entry`, `taking`), read (`reading`), withdraw, and answer for (`contests`)."""
