"""Homes at the edge: landlords, letters, premises with their rooms, stays."""
