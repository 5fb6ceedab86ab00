"""What follows once it is decided what a contact is: rows are kept, facts are said."""

from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.domain.complaint import Complaint, Status, Tokens, number_of
from services.intake.domain.contact import Arrival, Contact, Kind, Outcome, Raw, ThreadKey, Told
from services.intake.domain.customer import Customer, names_of, remember_complaint
from services.intake.domain.reception import Decision
from services.intake.handlers.contact import ReceiveContact, Reception
from services.intake.handlers.masking import Masking
from services.intake.handlers.surroundings import NUMBERS
from shared.contracts.intake import ComplaintLinked, ComplaintReceived, ContactRecorded, MessageReceived
from shared.privacy import Searched
from shared.runtime.ids import new_id
from shared.runtime.message import Message
from shared.runtime.work import Work


class Arrived:
    """A contact that has been decided on, and what follows from it."""

    def __init__(
        self,
        message: Message[ReceiveContact],
        told: Told,
        decision: Decision,
        customer: Customer | None,
        zone: ZoneInfo,
    ) -> None:
        self._contact_id = new_id()
        self._message = message
        self._command = message.payload
        self._contact = message.payload.contact
        self._told = told
        self._decision = decision
        self._customer = customer
        self._zone = zone
        self._names = names_of(customer, self._contact.sender.name)

    @property
    def _news(self) -> str | Searched:
        """What it says beyond what was said before; all of it has been searched already."""
        is_all = self._told is self._command.told
        return self._command.words.text if is_all else self._told.text

    def take_in(self, work: Work) -> Reception:
        """Say what the contact is, keep it, and answer."""
        complaint = self._decision.complaint
        if self._decision.outcome in {Outcome.OPENED, Outcome.LINKED}:
            complaint = self._open(complaint, work)
        elif self._decision.outcome is Outcome.APPENDED and complaint is not None:
            self._append(complaint, work)
        else:
            self._record(work)
        owner = self._owner(complaint)
        self._keep(complaint, owner, work)
        return Reception(
            outcome=self._decision.outcome,
            reason=self._decision.reason,
            contact_id=self._contact_id,
            complaint_id=complaint.complaint_id if complaint else None,
            number=complaint.number if complaint else None,
            customer_id=owner,
        )

    def _owner(self, complaint: Complaint | None) -> UUID | None:
        """Whose the words are: the complaint's customer, so that erasing them finds every word on it."""
        if complaint is not None:
            return complaint.customer_id
        return self._customer.customer_id if self._customer else None

    def _open(self, primary: Complaint | None, work: Work) -> Complaint:
        customer = self._customer
        if customer is None:
            raise ValueError("a complaint has a customer")
        complaint = self._new_complaint(customer, primary, work)
        work.begin_stream(complaint.complaint_id)
        masking = Masking(self._names)
        work.announce(self._received(complaint, customer, masking))
        work.put(complaint)
        work.put(Tokens(complaint.complaint_id, masking.tokens))
        if primary is None:
            work.put(remember_complaint(customer, complaint.complaint_id))
        else:
            work.announce(
                ComplaintLinked(
                    complaint_id=complaint.complaint_id,
                    primary_id=primary.complaint_id,
                    primary_number=primary.number,
                    reason=self._decision.reason,
                )
            )
        return complaint

    def _new_complaint(self, customer: Customer, primary: Complaint | None, work: Work) -> Complaint:
        received_at = min(self._command.said_at or self._message.at, self._message.at)
        return Complaint(
            complaint_id=new_id(),
            number=number_of(work.number(NUMBERS, self._message.id), received_at, self._zone),
            customer_id=customer.customer_id,
            contact_id=self._contact_id,
            channel=self._contact.channel,
            language=self._contact.language,
            received_at=received_at,
            fingerprint=self._told.fingerprint,
            status=Status.LINKED if primary else Status.OPEN,
            primary_id=primary.complaint_id if primary else None,
        )

    def _received(self, complaint: Complaint, customer: Customer, masking: Masking) -> ComplaintReceived:
        contact, words = self._contact, self._command.words
        return ComplaintReceived(
            complaint_id=complaint.complaint_id,
            number=complaint.number,
            contact_id=self._contact_id,
            customer_id=customer.customer_id,
            channel=contact.channel,
            language=contact.language,
            received_at=complaint.received_at,
            subject_line=masking.optional(words.subject),
            # All of it, even where something harmless had come under the same id before.
            text=masking.text(words.text),
            transcript=masking.turns(words.transcript),
            product=masking.optional(words.product),
            order_reference=masking.optional(words.order_reference),
            remedy_sought=masking.optional(words.remedy_sought),
            tier=customer.tier.value,
        )

    def _append(self, complaint: Complaint, work: Work) -> None:
        tokens = work.get(Tokens, complaint.complaint_id)
        masking = Masking(self._names, tokens.tokens if tokens else None)
        work.announce(
            MessageReceived(
                complaint_id=complaint.complaint_id,
                contact_id=self._contact_id,
                channel=self._contact.channel,
                language=self._contact.language,
                received_at=self._message.at,
                text=masking.text(self._news),
            )
        )
        work.put(Tokens(complaint.complaint_id, masking.tokens))

    def _record(self, work: Work) -> None:
        work.begin_stream(self._contact_id)
        recorded = {
            "contact_id": self._contact_id,
            "customer_id": self._customer.customer_id if self._customer else None,
            "channel": self._contact.channel,
            "kind": self._decision.kind.value,
            "language": self._contact.language,
            "received_at": self._message.at,
            "text": Masking(self._names).optional(self._news),
        }
        work.announce(ContactRecorded.model_validate(recorded))

    def _keep(self, complaint: Complaint | None, owner: UUID | None, work: Work) -> None:
        """Keep the contact, its original, and the ids by which what follows will find its way."""
        contact, command, at = self._contact, self._command, self._message.at
        work.put(
            Contact(
                contact_id=self._contact_id,
                channel=contact.channel,
                arrival=command.told.arrival,
                external_id=contact.external_id,
                text_hash=command.told.text_hash,
                text_length=len(command.told.text),
                kind=self._decision.kind,
                outcome=self._decision.outcome,
                reason=self._decision.reason,
                received_at=at,
                customer_id=owner,
                complaint_id=complaint.complaint_id if complaint else None,
            )
        )
        work.put(Raw(self._contact_id, owner, command.raw, command.content_type, at))
        if command.told.arrival is not None:
            work.put(Arrival(command.told.arrival, self._contact_id))
        if complaint is not None and self._decision.kind in {Kind.COMPLAINT, Kind.MESSAGE}:
            self._keep_thread(complaint, work)

    def _keep_thread(self, complaint: Complaint, work: Work) -> None:
        """Parents that never came are kept too: the thread joins when one arrives late."""
        for key in self._command.thread_keys:
            if work.get(ThreadKey, self._contact.channel, key) is None:
                work.put(ThreadKey(self._contact.channel, key, complaint.complaint_id))
