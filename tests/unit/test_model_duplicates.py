"""
Contacts that repeat each other, against a model of who follows whom.

The model knows what was told by whom, not how likeness is computed: its stories are alike or not by construction.
Nothing that came in is dropped, and every link can be taken back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.intake import api, events, storage
from services.intake.channels.contact import IncomingContact, Sender
from services.intake.domain.complaint import Complaint
from services.intake.domain.contact import Contact, Raw
from services.intake.handlers.complaints import LinkComplaint, UnlinkComplaint, WithdrawComplaint
from services.intake.handlers.contact import read_contact
from services.intake.handlers.customers import EraseCustomer
from services.intake.settings import IntakeSettings
from shared.contracts.resolution import CaseClosed, CaseReopened
from shared.refusal import Refused
from shared.runtime.message import Command, IdempotencyKey
from shared.runtime.refusals import KeyReused
from shared.testing.memory_door import MemoryDoor
from tests.unit.test_model_waiting import play

SETTINGS = IntakeSettings(database_url="postgresql://x@127.0.0.1/x")
HANDLERS = {**api.commands(SETTINGS.reception, SETTINGS.zone), **events.reactions(SETTINGS.wording)}
WINDOW = timedelta(days=30)
"""So long after the first telling, the same story is the same complaint."""
COOKER = "上周六在你们网店买的电饭煲，用了三回，三回都是夹生饭，加热盘只有半边是热的，麻烦给我换一台好的"
STORIES = (
    (COOKER, "我上周六买的电饭煲，煮了三回都是夹生饭，加热盘只有半边热，请给我换一台新的", f"{COOKER}\n锅盖也裂了"),
    ("昨天下午送来的沙发扶手有一道很长的划痕，送货的人放下就走了，打电话也没有人接",),
    ("The heating in our flat has been out for nine days and nobody came although I called your office every morning",),
)
"""What is told in each row is one story in different words."""
TOLD = {text: story for story, texts in enumerate(STORIES) for text in texts}
PEOPLE = ("87", "88", "89")
CONVERSATIONS = (None, "form-1", "form-2", "form-3")

Choice = st.integers(0, 1000)


@dataclass
class Known:
    """A complaint in the model."""

    customer: UUID
    story: int
    received_at: datetime
    opened: bool
    status: str
    primary: UUID | None = None


class Reference:
    """What came in, whose it is, and what follows what."""

    def __init__(self) -> None:
        self.complaints: dict[UUID, Known] = {}
        self.who: dict[str, UUID] = {}
        self.latest: dict[str, UUID] = {}
        self.received: dict[tuple[str, str], dict[str, object]] = {}
        self.contacts: dict[UUID, UUID] = {}
        self.answers: dict[str, tuple[str, object]] = {}

    def goes_on(self, complaint_id: UUID) -> UUID:
        """Where a message on a complaint belongs: along the links, as long as they are one person's."""
        known = self.complaints[complaint_id]
        primary = known.primary
        if primary is None or self.complaints[primary].customer != known.customer:
            return complaint_id
        return self.goes_on(primary)

    def joins(self, conversation: str | None) -> UUID | None:
        """What a conversation was about, if that has not been erased."""
        if conversation not in self.latest:
            return None
        complaint_id = self.goes_on(self.latest[conversation])
        return complaint_id if self.complaints[complaint_id].status != "erased" else None

    def same_story(self, person: str, story: int, now: datetime) -> set[UUID]:
        """The open complaints of this person that tell it and that were not found to repeat another themselves."""
        return {
            complaint_id
            for complaint_id, known in self.complaints.items()
            if (known.customer, known.story) == (self.who.get(person), story)
            and (known.status, known.opened) == ("open", True)
            and now - known.received_at <= WINDOW
        }

    def may_follow(self, primary: UUID, follower: UUID) -> UUID | None:
        """What a link to *primary* leads to, if it leads anywhere."""
        end = self.complaints[primary].primary or primary
        possible = end != follower and self.complaints[end].status in {"open", "closed"}
        return end if possible and self.complaints[follower].status == "open" else None

    def erase(self, customer: UUID) -> None:
        for known in self.complaints.values():
            if known.customer == customer:
                known.status, known.primary = "erased", None
        self.who = {person: who for person, who in self.who.items() if who != customer}
        self.contacts = {contact: who for contact, who in self.contacts.items() if who != customer}


class DuplicatesMachine(RuleBasedStateMachine):
    """Intake beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Reference()
        self.door = MemoryDoor("intake", storage.STORED, HANDLERS)
        self.taken_in = 0

    @rule(text=st.sampled_from(sorted(TOLD)), person=st.sampled_from(PEOPLE), under=st.sampled_from(CONVERSATIONS))
    def receive(self, text: str, person: str, under: str | None) -> None:
        self.judge(self.door.ask(contact(text, person, under)), text, person, under)

    def judge(self, answer: dict[str, object], text: str, person: str, under: str | None) -> None:
        """Compare what intake made of a contact with what the model would, and go on from there."""
        model, complaint_id = self.model, UUID(str(answer["complaint_id"]))
        if under and (earlier := model.received.get((under, text))):
            assert answer["reason"] == "already_received"
            assert {name: answer[name] for name in earlier} == earlier
            return
        self.taken_in += 1
        joined, alike = model.joins(under), model.same_story(person, TOLD[text], self.door.now)
        if joined:
            assert (answer["outcome"], complaint_id) == ("appended", joined)
            model.who.setdefault(person, model.complaints[joined].customer)
        else:
            assert answer["outcome"] == ("linked" if alike else "opened")
            self._open(complaint_id, answer, person, TOLD[text], alike)
        owner = model.complaints[complaint_id].customer
        assert UUID(str(answer["customer_id"])) == owner
        model.contacts[UUID(str(answer["contact_id"]))] = owner
        if under:
            model.latest[under] = complaint_id
            model.received[under, text] = {
                name: answer[name] for name in ("outcome", "contact_id", "complaint_id", "number")
            }

    def _open(self, complaint_id: UUID, answer: dict[str, object], person: str, story: int, alike: set[UUID]) -> None:
        assert complaint_id not in self.model.complaints
        customer = self.model.who.setdefault(person, UUID(str(answer["customer_id"])))
        primary = self.door.row(Complaint, complaint_id).primary_id
        assert (primary in alike) if alike else (primary is None)
        status = "linked" if alike else "open"
        known = Known(customer, story, self.door.now, opened=not alike, status=status, primary=primary)
        self.model.complaints[complaint_id] = known

    @rule(key=st.sampled_from("ab"), text=st.sampled_from(sorted(TOLD)), person=st.sampled_from(PEOPLE[:2]))
    def receive_with_a_key(self, key: str, text: str, person: str) -> None:
        """The same key and body is answered as the first time, whatever has happened since."""
        body = f"{person} {text}"
        command = Command(contact(text, person, None), idempotency=IdempotencyKey("front end", key, body))
        result = self.door.give(command)
        earlier = self.model.answers.get(key)
        if earlier is None:
            self.model.answers[key] = (body, result.body)
            self.judge(result.body, text, person, None)
        elif earlier[0] == body:
            assert (result.replayed, result.body) == (True, earlier[1])
        else:
            assert isinstance(result.error, KeyReused)

    def pick(self, choice: int) -> UUID:
        return list(self.model.complaints)[choice % len(self.model.complaints)]

    def ask(self, command: type, complaint_id: UUID, *values: object) -> bool:
        before = self.door.row(Complaint, complaint_id)
        said = len(self.door.said)
        try:
            self.door.ask(command(complaint_id, before.revision, *values))
        except Refused:
            assert (self.door.row(Complaint, complaint_id), len(self.door.said)) == (before, said)
            return False
        return True

    @precondition(lambda self: self.model.complaints)
    @rule(one=Choice, other=Choice)
    def link(self, one: int, other: int) -> None:
        follower, primary = self.pick(one), self.pick(other)
        end = self.model.may_follow(primary, follower)
        if end:
            known = self.model.complaints[follower]
            known.status, known.primary = "linked", end
        assert self.ask(LinkComplaint, follower, primary) is (end is not None)

    @precondition(lambda self: self.model.complaints)
    @rule(choice=Choice)
    def unlink(self, choice: int) -> None:
        known = self.model.complaints[self.pick(choice)]
        possible = known.status == "linked"
        if possible:
            known.status, known.primary = "open", None
        assert self.ask(UnlinkComplaint, self.pick(choice)) is possible

    @precondition(lambda self: self.model.complaints)
    @rule(choice=Choice)
    def withdraw(self, choice: int) -> None:
        known = self.model.complaints[self.pick(choice)]
        possible = known.status == "open"
        if possible:
            known.status = "withdrawn"
        assert self.ask(WithdrawComplaint, self.pick(choice), None) is possible

    @precondition(lambda self: self.model.complaints)
    @rule(choice=Choice, is_over=st.booleans())
    def hear_of_the_case(self, choice: int, is_over: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
        complaint_id = self.pick(choice)
        known = self.model.complaints[complaint_id]
        if is_over and known.status == "open":
            known.status = "closed"
        if not is_over and known.status in {"closed", "withdrawn"}:
            known.status = "open"
        closed = CaseClosed(complaint_id=complaint_id, reason="satisfied")
        reopened = CaseReopened(complaint_id=complaint_id, round=2, reason="by_hand", deadlines=())
        self.door.hear(closed if is_over else reopened)

    @precondition(lambda self: self.model.who)
    @rule(choice=Choice)
    def erase(self, choice: int) -> None:
        customer = list(self.model.who.values())[choice % len(self.model.who)]
        self.model.erase(customer)
        self.door.ask(EraseCustomer(customer))

    @rule(days=st.sampled_from([1, 10, 29, 31]))
    def pass_time(self, days: int) -> None:
        self.door.now += timedelta(days=days)

    @invariant()
    def rows_follow_each_other_as_in_the_model(self) -> None:
        rows = {row.complaint_id: (row.status, row.primary_id) for row in self.door.store.all(Complaint)}
        assert rows == {each: (known.status, known.primary) for each, known in self.model.complaints.items()}
        numbers = {row.number for row in self.door.store.all(Complaint)}
        assert len(numbers) == len(rows)

    @invariant()
    def nothing_that_came_in_is_dropped(self) -> None:
        assert len(self.door.store.all(Contact)) == self.taken_in
        owners = {row.contact_id: row.customer_id for row in self.door.store.all(Contact) if row.customer_id}
        assert owners == self.model.contacts
        originals = {row.contact_id for row in self.door.store.all(Raw)}
        assert originals >= set(owners)

    @invariant()
    def the_events_tell_who_follows_whom(self) -> None:
        primary: dict[UUID, UUID | None] = {}
        for said in self.door.said:
            what, complaint_id = said.type.split(".")[2], UUID(said.data["complaint_id"])
            if what in {"received", "unlinked", "erased"} and "complaint." in said.type:
                primary[complaint_id] = None
            elif what == "linked":
                primary[complaint_id] = UUID(said.data["primary_id"])
        assert primary == {each: known.primary for each, known in self.model.complaints.items()}

    def teardown(self) -> None:
        """Every link can be taken back, and then every complaint stands for itself."""
        for index, known in enumerate(list(self.model.complaints.values())):
            if known.status == "linked":
                self.unlink(index)
        assert not any(row.primary_id for row in self.door.store.all(Complaint))


def contact(text: str, person: str, under: str | None):
    sender = Sender(external_id=person)
    incoming = IncomingContact(channel="web", external_id=under, text=text, language="und", sender=sender)
    return read_contact(incoming, text.encode(), "application/json")


def test_who_follows_whom_is_as_told():
    play(DuplicatesMachine)
