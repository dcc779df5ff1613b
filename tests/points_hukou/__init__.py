"""Tests of points_hukou."""
