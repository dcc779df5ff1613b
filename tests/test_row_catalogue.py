"""Every table of every service is protected; the checker finds what would not be."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from services.suite import databases
from services.suite.catalogue import PROCESSES, Process
from tests.conftest import Database, MakeDatabase
from tests.row_catalogue import Listed, findings
from tests.servers import Servers

_VERSION = {"alembic_version": "one number, which only migrations write"}
_ACTS = {
    "event_sequence.acts_read": "a counter per key; every act counts on",
    "event_sequence.acts_count": "as above",
    "event_sequence.acts_count_on": "as above",
    "outbox.acts_publish": "every act may leave an event; reading is by division",
    "history.acts_remember": "every act leaves a version; reading is by what it is a version of",
    "audit_line.acts_testify": "every act and every read leaves evidence; nobody but the service reads it",
    "person_key.acts_read": "wrapped by a key the database does not have; the policies of history say what it opens",
    "person_key.acts_make": "the first act about a person makes its key",
    "relay_state.followers_read": "one row: how far publication has come",
}
_DEFINERS = {
    "maintain_outbox_partitions": "makes and drops partitions, which are the owner's; refuses without the service's context",
    "prune_audit": "deletes evidence past its retention, refuses younger",
}
_ERASER = {
    "erase_person": "deletes decisions with the person they are about; refuses who has no sight of the person",
    "erase_remembered": "deletes versions of a thing with what it told of persons; refuses where no review is due in sight",
    "forget_evidence": "deletes evidence past its three years, refuses younger, and whoever is not the service itself",
}
_FILES = {
    "attachment_reference.cases_see": "ids alone; who sees the file is told by it",
    "attachment_reference.cases_refer": "an action refers to files it has seen",
    "attachment_unowned.uploads_see": "addresses of files whose key no row has yet, or any more",
    "attachment_unowned.uploads_take_over": "an upload takes its own announcement away, by an address only it knows",
}
_SEARCHES = {
    "person_search_key.searches_look": "keyed digests that lead to ids; whether the person is seen, its own policy says",
    "restricted_id.policies_look": "ids, to whom their rows are hidden",
}
_EVIDENCE = frozenset({"history", "audit_line", "audit_seal", "audit_checkpoint"})
LISTED = {
    "registry": Listed(
        unprotected=_VERSION,
        any_context=_ACTS | _FILES | _SEARCHES,
        definers=_DEFINERS | _ERASER,
        doors={
            "claim_documents": "a document elsewhere is told, its owner is not",
            "resolve_person": "complete number and name together, rate-limited, remembered for a day",
            "lock_persons": "locks whoever is named, tells only what is in sight",
            "registrations_of": "of a person in sight or resolved: the half year runs on across towns",
            "end_registration_by_move": "of a person in sight or resolved, and nothing but the end",
            "divisions_seeing": "codes of divisions, for the events' followers",
            "is_person_new": "yes or no",
            "hold_attachments": "locks whatever is named, tells nothing",
            "release_attachments": "deletes the files of a person that is being erased, tells their ids",
            "obstacles_to_erasure": "four times yes or no",
            "is_needed_again": "yes or no, of what a review in sight is about",
            "erase_person": "of a person in sight, after two officers; what remains says who may be told",
            "searches_logged": "lines of evidence about searches by clients of the asking division: field names and counts",
            "compare_persons": "pairs by digests, of any division, because who moved was entered elsewhere; tells nothing",
            "compare_sharing": "pairs by digests, of persons the client's division sees; tells how many",
            "merge_persons": "of two persons in sight, after two officers",
            "unmerge_persons": "of a merge in sight, after two officers",
            "share_changed_holds": "trigger: whoever holds one id of a human holds the others",
            "is_conflict_open": "yes or no",
            "open_number_conflicts": "of a person held; tells nothing, what it found is read like any conflict",
            "erase_remembered": "of a thing whose review is due and in sight, after two officers",
            "hold_by_registration": "trigger: the hold that a registration is",
            "hold_by_registrations": "trigger: the same for all registrations of a statement",
            "enter_residents": "persons nobody knew, in the client's own divisions, which it asks of all of them",
            "divisions_seeing_each": "codes of divisions, for the events' followers",
            "restrict_person": "of a person in sight, for the office that answers the request",
            "lift_restriction": "of a request the office answers",
            "share_restriction": "trigger: whoever is restricted is so under every id",
            "restricted_on": "ids of a human; the day is read with the client's own eyes",
            "look_at_reviewed": "of a review that is due: ids of its human, for the officers who decide; yes or no",
            "guests_pass_on": "trigger: who is there when a home passes on is the next landlord's guest",
            "close_reviews": "trigger: what is erased is due no more",
            "look_at_restricted": "of who is restricted, as the client is told: for the own requests; yes or no",
            "copy_of_person": "of a person in sight: everything, to be handed over to the person",
            "remembered_of_person": "of a person in sight: the versions of the same, sealed as they lie",
            "recipients_of_request": "of a request the office answers: which clients were shown what, by the evidence",
            "divisions_told_of_request": "of a request the office answers: codes of divisions",
            "forget_wishes": "trigger: the wishes of who is being erased",
            "hold_by_permit": "trigger: the hold that an open permit is",
            "employer_of_code": "an organisation, to whoever has its complete code",
            "employers_of_codes": "the same of several, to be read",
            "employer_id_of_code": "its id alone, to search by",
            "open_employment_of": "one id, of a person in sight or resolved",
            "open_stay_of": "of a person in sight or resolved: who checks in somewhere leaves the place before",
            "end_stay": "of a stay or a person in sight or resolved, and nothing but the end",
        },
        evidence=_EVIDENCE | {"endorsement", "inspection"},
    ),
    "points_hukou": Listed(
        unprotected=_VERSION,
        any_context=_ACTS
        | _FILES
        | {
            "inbox_position.clients_see": "how far this service has heard, by key; no content",
            "rule_set_in_force.clients_see": "which law is in force where is public",
        },
        definers=_DEFINERS,
        doors={
            "is_file_in_sight": "yes or no",
            "hold_attachments": "locks whatever is named, tells nothing",
            "release_attachments": "deletes the files of a person that is being erased, tells their ids",
            "persons_of_documents": "the one human a token names, when in sight; that a number is two humans', when one is",
            "hold_persons": "locks whoever is named and in sight, tells the ids they are known by now",
            "divisions_of_files": "codes of divisions, for the events' followers",
            "is_transferring": "yes or no, of persons the action has in sight",
            "is_application_conflict_open": "yes or no",
            "is_transfer_conflict_open": "yes or no",
            "is_applying": "yes or no, of persons the action has in sight",
            "is_place_used": "yes or no, of a place in a round the action has in sight",
            "is_round_published": "yes or no: a published list is public",
            "noticed_round": "of a round in sight or a published one",
            "notice_of_round": "of a round in sight or a published one the list, which is shown masked",
            "hold_noticed_place": "whose place is objected to, on a list in sight or published; the row is held",
            "open_conflicts_of": "ids alone, of an application the action has in hand: what it waits for",
            "hold_place": "of a round in sight or a place a case in sight rests on: what it was given for, and what counts now",
            "scores_of_place": "as above: the sealed scores that count now of the application that holds it",
            "names_of_applicants": "masked names of who handed in applications in sight; their rows are held",
            "hold_applicants": "locks the people of an application in sight, tells who of them is still there",
            "known_of": "of files in sight, and of the people of an application in sight: the case is the office's",
            "claims_of": "of applications in sight: ids of their humans, and whether they hold a place of another round",
        },
        evidence=_EVIDENCE,
    ),
    "health": Listed(
        unprotected=_VERSION,
        any_context=_ACTS | {"inbox_position.clients_see": "how far this service has heard, by key; no content"},
        definers=_DEFINERS,
        doors={
            "is_file_visible": "yes or no",
            "is_carded": "yes or no, of a person the action has in sight",
            "children_of_cards": "of cards in sight: the same child's doses under its other ids, so that none is given twice",
            "is_card_conflict_open": "yes or no",
        },
        evidence=_EVIDENCE,
    ),
    "education": Listed(
        unprotected=_VERSION,
        any_context=_ACTS | {"inbox_position.clients_see": "how far this service has heard, by key; no content"},
        definers=_DEFINERS,
        doors={"is_file_in_sight": "yes or no"},
        evidence=_EVIDENCE,
    ),
    "gateway": Listed(
        unprotected=_VERSION
        | dict.fromkeys(
            (
                "client",
                "client_key",
                "used_assertion",
                "rate_window",
                "audit_line",
                "audit_seal",
                "audit_checkpoint",
                "audit_copy",
                "relay_state",
            ),
            "no resident is in it, and every read of it is the gateway's own (decision 0013)",
        ),
        definers={"prune_audit": _DEFINERS["prune_audit"]},
        evidence=frozenset({"audit_line", "audit_seal", "audit_checkpoint"}),
    ),
}
PLANTED = {
    "a table nobody protected": (
        "CREATE TABLE planted (person_id uuid); COMMENT ON TABLE planted IS 'retention: person'",
        "planted: row security is not enabled; add to its migration: SELECT protect_rows('planted')",
    ),
    "a table without a policy": (
        """CREATE TABLE planted (person_id uuid); COMMENT ON TABLE planted IS 'retention: person';
        ALTER TABLE planted ENABLE ROW LEVEL SECURITY; ALTER TABLE planted FORCE ROW LEVEL SECURITY""",
        "planted: no policy",
    ),
    "not forced": ("ALTER TABLE person NO FORCE ROW LEVEL SECURITY", "person: row security is not forced"),
    "switched off": ("ALTER TABLE relationship DISABLE ROW LEVEL SECURITY", "relationship: row security is not enabled"),
    "true for clients": (
        "CREATE POLICY clients_see_all ON person FOR SELECT USING (true)",
        "policy person.clients_see_all asks nothing of the row context",
    ),
    "true when written": (
        "CREATE POLICY clients_write ON person FOR INSERT WITH CHECK (1 = 1)",
        "policy person.clients_write asks nothing of the row context",
    ),
    "any context": (
        "CREATE POLICY clients_see_all ON residence_permit FOR SELECT USING (row_has_context())",
        "policy residence_permit.clients_see_all lets every client through",
    ),
    "a service policy that is none": (
        "ALTER POLICY of_the_service ON endorsement USING (true)",
        "policy endorsement.of_the_service is for the service",
    ),
    "a view of the owner's": ("CREATE VIEW everybody AS SELECT person_id FROM person", "view everybody runs as its owner"),
    "a definer without path": (
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER RETURN 1",
        "function peek is SECURITY DEFINER without SET search_path",
    ),
    "an unlisted door": (
        "CREATE FUNCTION peek() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN widen_row_context(); END $$",
        "function peek reaches beyond the caller's rows",
    ),
    "free words for retention": (
        "COMMENT ON TABLE person IS 'retention: a while'",
        "person: 'retention: a while' names no retention",
    ),
    "staging unlisted": (
        """CREATE UNLOGGED TABLE planted (line text); COMMENT ON TABLE planted IS 'retention: settled';
        SELECT protect_rows('planted')""",
        "planted: unlogged, and not among the staging tables",
    ),
    "evidence that can be changed": ("GRANT UPDATE ON audit_line TO registry_app", "has UPDATE on audit_line"),
    "evidence in one column": ("GRANT UPDATE (line) ON audit_line TO registry_app", "has UPDATE on audit_line"),
    "evidence that can be deleted": ("GRANT DELETE ON endorsement TO registry_app", "has DELETE on endorsement"),
    "emptying": ("GRANT TRUNCATE ON person TO registry_app", "has TRUNCATE on person"),
    "evidence that lost its mark": (
        "COMMENT ON TABLE history IS 'retention: person'",
        "history: evidence; its comment must say",
    ),
    "tables of its own": ("GRANT CREATE ON SCHEMA public TO registry_app", "may create tables"),
}


@pytest.fixture(params=PROCESSES, ids=lambda process: process.name)
def process(request: pytest.FixtureRequest) -> Process:
    """Every process with a database."""
    chosen: Process = request.param
    return chosen


@pytest.fixture
def database(process: Process, make_database: MakeDatabase) -> Database:
    """Its migrated database."""
    return make_database(process.name, process.migrations)


async def test_every_table_is_protected(process: Process, database: Database) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        found = await findings(connection, databases.application_role(process.name), LISTED[process.name])
    finally:
        await connection.close()
    assert not found, "\n" + "\n".join(found)


@pytest.fixture(scope="module")
def planted_in(make_database: MakeDatabase) -> Database:
    """A database of the registry to break."""
    registry = next(process for process in PROCESSES if process.name == "registry")
    return make_database("registry", registry.migrations)


@pytest.mark.parametrize(("sql", "expected"), PLANTED.values(), ids=PLANTED)
async def test_the_checker_finds_what_is_planted(planted_in: Database, sql: str, expected: str) -> None:
    connection = await asyncpg.connect(planted_in.owner_url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(sql)
        found = await findings(connection, databases.application_role("registry"), LISTED["registry"])
    finally:
        await transaction.rollback()
        await connection.close()
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("attribute", "expected"), [("SUPERUSER", "is superuser"), ("BYPASSRLS", "has BYPASSRLS"), ("CREATEDB", "creates roles")]
)
async def test_the_checker_finds_a_role_with_too_much(
    planted_in: Database, servers: Servers, attribute: str, expected: str
) -> None:
    connection = await asyncpg.connect(servers.postgres_url(urlsplit(planted_in.owner_url).path.removeprefix("/")))
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"ALTER ROLE registry_app {attribute}")
        found = await findings(connection, databases.application_role("registry"), LISTED["registry"])
    finally:
        await transaction.rollback()
        await connection.close()
    assert any(expected in line for line in found), found
