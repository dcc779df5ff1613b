"""Writes `docs/asyncapi.json` from the event contracts: `make asyncapi`."""

import json
import sys
from pathlib import Path

from services.chassis.asyncapi import asyncapi_document
from services.suite.catalogue import SERVICES


def contract() -> str:
    """The AsyncAPI document of all services that publish, as it stands in the documentation."""
    producers = {service.name: list(service.definition().publishes) for service in SERVICES}
    document = asyncapi_document({name: events for name, events in producers.items() if events})
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(contract(), "utf-8")
