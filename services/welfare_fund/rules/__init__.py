"""The rules of the fund: pure, without database or clock."""
