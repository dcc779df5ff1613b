"""School places for children who moved here (随迁子女入学): schools, places and classes; rules of placement and seasons."""
