"""What every command has in common: its case, who sends it, what they have seen."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from services.resolution.api.models import By
from services.resolution.handlers.loading import CaseCommand
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.preconditions import SeenRevision, SeenRevisionOrAny
from shared.runtime.door import Door
from shared.runtime.message import Command
from shared.telemetry.tracing import current_traceparent

READ = "resolution:read"
WRITE = "resolution:write"


class _Sending:
    """Who sends a command, and whether it was sent before."""

    def __init__(self, caller: Annotated[Caller, require(WRITE)], idempotency: Idempotency, response: Response) -> None:
        self.idempotency = idempotency
        self.caller = caller
        self.response = response


class Submission:
    """A command on its way to the door; ``seen`` is the revision its sender decided on."""

    def __init__(self, sending: Annotated[_Sending, Depends()], complaint_id: UUID, seen: SeenRevision) -> None:
        self.complaint_id = complaint_id
        self.seen: int | None = seen
        self._sending = sending

    def head(self, body: By) -> tuple[UUID, int | None, str]:
        """The first fields of every command: the case, the revision seen, and who acts."""
        return self.complaint_id, self.seen, body.by or self._sending.caller.id

    async def to(self, door: Door, command: CaseCommand) -> object:
        """
        Put the command through.

        Returns:
            Its answer, or the answer it got before under the same key.

        Raises:
            Refused: the case does not allow it.
        """
        sending = self._sending
        result = await door.ask(Command(command, sending.caller.id, sending.idempotency, current_traceparent()))
        return answered(result, sending.response)


class UnconditionalSubmission(Submission):
    """A command that is right whatever happened meanwhile, if its sender says so with ``If-Match: *``."""

    def __init__(self, sending: Annotated[_Sending, Depends()], complaint_id: UUID, seen: SeenRevisionOrAny) -> None:
        super().__init__(sending, complaint_id, seen or 0)
        self.seen = seen


Submitted = Annotated[Submission, Depends()]
SubmittedAnyway = Annotated[UnconditionalSubmission, Depends()]
