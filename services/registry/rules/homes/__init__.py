"""Rental housing (租赁住房): what may be let, for how many, when a letting is reported (RR-15, RR-64 to RR-74, COM-61 to 70).

Everything here is about homes. Nothing is computed, kept or flagged about a person because of where the person lives.
"""
