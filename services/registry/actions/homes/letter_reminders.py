"""Landlords are told that their letter of responsibility runs out (RR-74), once per letter."""

from services.chassis.work import Work
from services.registry.actions.homes.letters import RESOURCE
from services.registry.actions.law import LAW
from services.registry.actions.notices import About, request_notice
from services.registry.rules.notice_templates import Addressee
from services.registry.store.homes.letter_reminders import lock_untold


async def remind_of_letters(work: Work, *, limit: int) -> int:
    """Tell those whose last letter runs out soon, or just ran out while nobody was running; how many."""
    days = LAW.notices.letter_reminder_days.on(work.today)
    letters = await lock_untold(work, days=days, limit=limit)
    for letter in letters:
        await request_notice(
            work,
            "letter_expiring",
            addressee=Addressee.LANDLORD,
            addressee_id=letter["landlord_id"],
            division_code=letter["division_code"],
            about=About(RESOURCE, letter["letter_id"], letter["valid_until"]),
            parameters={"letter_id": letter["letter_id"], "valid_until": letter["valid_until"]},
        )
    return len(letters)
