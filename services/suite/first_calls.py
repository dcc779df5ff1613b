"""Three calls a newcomer can paste, with a demo client's credentials and a person nobody is."""

import json
import secrets
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from services.chassis.clock import LawClock

_HOME_DIVISION_CODE = "360426"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_YOUNGEST_DAYS, _OLDEST_DAYS = 20 * 365, 60 * 365
_PRINCIPAL = '-H "Authorization: Bearer $TOKEN" -H "X-Purpose: residence_registration" -H "X-Actor: demo-officer"'


class DemoClient(BaseModel):
    """What `demo-client.json` says."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    client_id: str
    client_secret: str


def read_client(file: Path) -> DemoClient | None:
    """The client written down, `None` when there is none or the file is damaged."""
    try:
        return DemoClient.model_validate_json(file.read_text())
    except (OSError, ValidationError):
        return None


def made_up_citizen_number() -> str:
    """A valid citizen number (GB 11643, codes.md C-01 to C-03) of nobody in particular: random birth date and sequence."""
    age = timedelta(days=_YOUNGEST_DAYS + secrets.randbelow(_OLDEST_DAYS - _YOUNGEST_DAYS))
    birth_date = LawClock().today() - age
    body = f"{_HOME_DIVISION_CODE}{birth_date:%Y%m%d}{secrets.randbelow(1000):03d}"
    return body + _CHECKS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True)) % 11]


def curls(client: DemoClient) -> tuple[str, str, str]:
    """Token, registration of a person, reading it back; each leaves in a shell variable what the next one needs.

    Pasted again, the second repeats its Idempotency-Key and so gets the same answer.
    """
    return _token_call(client), _registration_call(client), _reading_call(client)


def _token_call(client: DemoClient) -> str:
    call = f"curl -sS -u '{client.client_id}:{client.client_secret}' -d grant_type=client_credentials"
    keep = f"{client.base_url}/oauth/token | {_member('access_token')}"
    return f'TOKEN=$({call} \\\n  {keep}); echo "a token of ${{#TOKEN}} characters"'


def _registration_call(client: DemoClient) -> str:
    person = {
        "name": "石秀英",
        "hukou_division_code": _HOME_DIVISION_CODE,
        "identity_documents": [{"type": "citizen_id", "number": made_up_citizen_number()}],
    }
    headers = f'-H "Content-Type: application/json" -H \'Idempotency-Key: "{uuid4()}"\''
    body = json.dumps(person, ensure_ascii=False)
    call = f"curl -sS {_PRINCIPAL} \\\n  {headers} \\\n  -d '{body}' \\\n  {client.base_url}/v1/persons"
    return f'ANSWER=$({call}); echo "$ANSWER"\nPERSON=$(echo "$ANSWER" | {_member("person_id")})'


def _reading_call(client: DemoClient) -> str:
    return f"curl -sS {_PRINCIPAL} \\\n  {client.base_url}/v1/persons/$PERSON; echo"


def _member(name: str) -> str:
    return f'sed -n \'s/.*"{name}": *"\\([^"]*\\)".*/\\1/p\''
