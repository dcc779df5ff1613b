"""The format of schedules: what an official writes, checked before anything is counted by it."""
