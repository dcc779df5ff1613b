"""The fund's ledger: double entry in whole fen, nothing changed afterwards, every entry linked to the one before."""
