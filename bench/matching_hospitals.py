"""The same season by the PyPI package `matching` (hospital–resident, resident-optimal); runs in an environment that has it."""

import json
import sys
import time
from pathlib import Path

from matching.games import HospitalResident


def main(given: Path) -> None:
    """Seconds of the processor for making and solving the game, and who came where."""
    asked = json.loads(given.read_text("utf-8"))
    started = time.process_time()
    game = HospitalResident.create_from_dictionaries(asked["children"], asked["offers"], asked["places"])
    solved = game.solve(optimal="resident")
    seconds = time.process_time() - started
    matched = {offer.name: [child.name for child in children] for offer, children in solved.items()}
    sys.stdout.write(json.dumps({"seconds": seconds, "matched": matched}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
