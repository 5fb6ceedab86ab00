"""``intake_accepted``: complaints that one intake process takes in, stores and publishes, in a second."""

from typing import Final

from tests.bench.harness import Bench, Row
from tests.bench.installation import Installation, Side, Unequal, running

NAMES = ("intake_accepted",)

COMPLAINTS: Final = 6_000
QUICK_COMPLAINTS: Final = 600
WARM_UP: Final = 300
STORED: Final = """
select count(*) from complaints c join contacts using (contact_id) join raws using (contact_id)
join streams s on s.subject = c.complaint_id join history h on h.subject = s.subject and h.sequence = 1
where h.type = 'intake.complaint.received.v1'
"""


async def measure(bench: Bench) -> list[Row]:
    """The real service against a plain one, both with their publishing, 64 connections, closed loop."""

    async def accepted(side: Side) -> float:
        async with running(bench, side, ["intake"]) as installation:
            return await _accepted_a_second(bench, installation)

    return [
        await bench.compare(
            "intake_accepted",
            baseline=lambda: accepted("baseline"),
            product=lambda: accepted("product"),
            unit="complaints/s",
            floor=3,
            target=5.5,
        )
    ]


async def _accepted_a_second(bench: Bench, installation: Installation) -> float:
    count = QUICK_COMPLAINTS if bench.quick else COMPLAINTS
    await installation.load(WARM_UP, seed=1)
    seen = await installation.load(count, seed=2)
    stored = await installation.ask("intake", STORED)
    if stored != WARM_UP + count:
        raise Unequal(f"{WARM_UP + count} complaints were accepted and {stored} stored")
    return count / (seen.ended - seen.began)
