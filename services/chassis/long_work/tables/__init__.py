"""Tables that come in as files and are worked off as operations: row by row under the rules of a single door, a part to a
transaction, what was refused handed back beside its reasons (decision 0023).

`files` a CSV or workbook as it is decrypted · `columns`, `layout` which column is which field · `by_rows` parts of rows,
`running` what every kind has in common · `refusals`, `refused` why a row was not taken, and the file that says so.
"""
