"""What the office does with employers and employment."""
