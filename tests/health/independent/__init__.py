"""A second opinion on parts of the schedule, written from the policy text alone: it imports nothing of the engine."""
