"""Field work at the edge: assignments, batches of visits, conflicts, rates."""
