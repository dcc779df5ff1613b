"""What a hostile caller tries: wrong tokens, other people's objects, odd bytes; and whether anything of a person leaks."""
