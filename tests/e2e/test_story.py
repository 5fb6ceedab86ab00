"""Thirty contacts go through intake, routing, resolution and followup, each to where it should arrive."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from aiokafka import AIOKafkaConsumer

from plaint.demo.board import CLOSED
from plaint.demo.story import load_story
from shared.contracts.envelope import read_envelope
from shared.contracts.registry import EVENTS, OWNERS, topic_of


async def read_topics(installation):
    """Every record of the four topics."""
    topics = [topic_of(owner, installation.prefix) for owner in OWNERS]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=installation.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found, quiet = [], 0
        while quiet < 5:
            got = [record for records in (await consumer.getmany(timeout_ms=300)).values() for record in records]
            found += got
            quiet = 0 if got else quiet + 1
        return found
    finally:
        await consumer.stop()


@pytest.fixture(scope="session")
def records(played):
    return asyncio.run(read_topics(played.installation))


def test_every_contact_arrived_where_it_should(played):
    wrong = {part.scene.file: part.wrong + part.missing for part in played.board.failed}
    assert wrong == {}
    assert len(played.board.parts) == len(load_story())


def test_one_was_reopened_one_escalated_one_waits_in_triage(played):
    paths = Counter(part.scene.path for part in played.board.parts)
    assert (paths["reopened"], paths["escalated"], paths["triage"]) == (1, 1, 1)
    reopened = next(part for part in played.board.parts if part.scene.path == "reopened")
    assert reopened.last(CLOSED, "round") == 2


def test_only_the_case_that_nobody_took_up_missed_a_deadline(played):
    late = [part.scene.path for part in played.board.parts if "resolution.deadline.missed" in part.types]
    assert late == ["escalated"]


def test_a_breach_is_stated_as_of_its_due_instant(played):
    escalated = next(part for part in played.board.parts if part.scene.path == "escalated")
    missed = next(heard for heard in escalated.said if heard.type == "resolution.deadline.missed")
    assert missed.envelope.time.isoformat().startswith(missed.data["due_at"].removesuffix("Z"))


def test_each_services_events_about_a_subject_are_numbered_without_gap(records):
    sequences = {}
    for record in records:
        envelope = read_envelope(record.headers)
        sequences.setdefault((envelope.source, envelope.subject), []).append(envelope.sequence)
    assert len(sequences) > 60
    assert all(list(dict.fromkeys(found)) == list(range(1, len(set(found)) + 1)) for found in sequences.values())


def test_no_event_is_earlier_than_its_cause(records):
    envelopes = {e.id: e for e in (read_envelope(record.headers) for record in records)}
    pairs = [(e, envelopes[e.causation_id]) for e in envelopes.values() if e.causation_id in envelopes]
    assert len(pairs) > 100
    assert all(effect.time >= cause.time for effect, cause in pairs)


def test_the_story_of_a_complaint_reads_in_order(played):
    part = next(part for part in played.board.parts if part.scene.path == "closed")
    own = [heard for heard in part.said if heard.envelope.source == "resolution"]
    assert all(a.envelope.time <= b.envelope.time for a, b in pairwise(own))


def test_every_event_is_of_a_published_type_and_fits_its_contract(records):
    for record in records:
        EVENTS[read_envelope(record.headers).type].model_validate_json(record.value)


def test_customers_with_an_address_got_mail_in_their_language(played):
    assert len(played.mailbox.mails) >= 20
    assert all("CMP-" in str(mail["subject"]) for mail in played.mailbox.mails)
    assert any("您" in mail.get_content() for mail in played.mailbox.mails)
    assert all("⟦" not in mail.get_content() for mail in played.mailbox.mails)
