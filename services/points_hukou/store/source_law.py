"""Where facts come from, as it ships: read once."""

from pathlib import Path

from services.chassis.parameters import Document
from services.points_hukou.rules.gathering.sources import read_sources

_FILE = Path(__file__).parents[1] / "parameters" / "facts.toml"

SOURCES = read_sources(Document.parse(_FILE.name, _FILE.read_text("utf-8")))
