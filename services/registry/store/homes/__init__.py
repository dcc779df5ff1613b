"""Statements about homes: landlords, letters, premises with their rooms, stays."""
