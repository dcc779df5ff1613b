"""The registry's acts that need two officers (chassis/two_person.py)."""

from services.chassis.proposals import proposals_router
from services.registry.actions.citizen_numbers import SETTLE_NUMBER
from services.registry.actions.merging import MERGE, UNMERGE
from services.registry.actions.person_deletion import DELETE
from services.registry.actions.person_proposals import CORRECT
from services.registry.actions.retention import DELETE_DUE
from services.registry.actions.shared_numbers import SHARE_NUMBER

PROPOSALS_PATH = "/v1/registry/proposals"
ACTS = {act.name: act for act in (CORRECT, DELETE, DELETE_DUE, MERGE, UNMERGE, SETTLE_NUMBER, SHARE_NUMBER)}

router = proposals_router(PROPOSALS_PATH, ACTS, read_scope="registry.proposal.read", decide_scope="registry.proposal.decide")
