"""School placement for children of people who moved here (随迁子女入学)."""
