"""The acts of points_hukou that need two officers (chassis/two_person.py)."""

from services.chassis.proposals import proposals_router
from services.points_hukou.actions.rule_set_acts import APPROVE

PROPOSALS_PATH = "/v1/points/proposals"
ACTS = {act.name: act for act in (APPROVE,)}

router = proposals_router(PROPOSALS_PATH, ACTS, read_scope="points.proposal.read", decide_scope="points.proposal.decide")
