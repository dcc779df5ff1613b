"""Tests of the wage-arrears fund."""
