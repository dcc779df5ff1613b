"""Who gives evidence, as it ships: read once."""

from pathlib import Path

from services.chassis.parameters import Document
from services.points_hukou.rules.evidence import read_evidence_law

_FILE = Path(__file__).parents[1] / "parameters" / "evidence.toml"

LAW = read_evidence_law(Document.parse(_FILE.name, _FILE.read_text("utf-8")))
