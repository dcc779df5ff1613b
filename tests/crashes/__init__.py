"""Real processes killed, frozen and cut off, and the proof that nothing is lost or done twice."""
