"""What the office can do: load, decide by a rule, save, and leave event, history and evidence behind."""
