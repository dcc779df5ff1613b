"""Advances of wages an employer cannot or will not pay, and their recovery (欠薪应急周转金)."""
