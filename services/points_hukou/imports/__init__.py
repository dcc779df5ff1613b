"""The bulk door: files of evidence, row by row under the rules of the single door, in few statements (decision 0035).

The process that works an import off runs it (`python -m services.points_hukou`); the API never imports it.
"""

from services.chassis.long_work.tables.by_rows import act_of
from services.points_hukou.imports.evidence import EvidenceList

ACTS = {"import.evidence": act_of(EvidenceList)}
