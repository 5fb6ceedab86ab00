"""The hand-written envelope says what the reference library of CloudEvents reads, and refuses what is malformed."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.envelope import Envelope, UnreadableEnvelope, read_envelope
from shared.contracts.registry import EVENTS, owner_of

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ENVELOPES = st.sampled_from(sorted(EVENTS)).flatmap(
    lambda event_type: st.builds(
        Envelope,
        id=st.uuids(),
        type=st.just(event_type),
        source=st.just(owner_of(event_type)),
        subject=st.uuids(),
        time=st.datetimes(timezones=OFFSETS),
        sequence=st.integers(1, 2**63 - 1),
        correlation_id=st.uuids(),
        causation_id=st.none() | st.uuids(),
        traceparent=st.none() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", fullmatch=True),
    )
)
ENVELOPE = Envelope(
    id=UUID("019cac1c-da50-7e99-b502-c63ae3ed511c"),
    type="routing.complaint.routed.v1",
    source="routing",
    subject=UUID("019cac1c-da50-71fd-afb6-41a68a280ee2"),
    time=datetime(2026, 3, 2, 1, 15, 2, 417000, tzinfo=UTC),
    sequence=2,
    correlation_id=UUID("019a9ab4-cab8-7388-8858-088e3970fa60"),
)


@given(ENVELOPES)
def test_reading_gives_back_what_was_written(envelope):
    assert read_envelope(envelope.headers()) == envelope


@given(ENVELOPES)
def test_the_reference_library_reads_the_same(envelope):
    record = KafkaMessage(dict(envelope.headers()), str(envelope.subject).encode(), b'{"round": 1}')

    event = from_binary_event(record)

    assert event.get_specversion() == "1.0"
    assert event.get_id() == str(envelope.id)
    assert event.get_type() == envelope.type
    assert event.get_source() == envelope.source
    assert event.get_subject() == str(envelope.subject)
    assert event.get_time() == envelope.time
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("sequence") == str(envelope.sequence)
    assert event.get_extension("correlationid") == str(envelope.correlation_id)
    assert event.get_extension("causationid") == (envelope.causation_id and str(envelope.causation_id))
    assert event.get_data() == {"round": 1}


@given(ENVELOPES)
def test_what_the_reference_library_writes_is_read_the_same(envelope):
    record = KafkaMessage(dict(envelope.headers()), None, b"{}")
    rewritten = to_binary_event(from_binary_event(record)).headers
    trace = () if envelope.traceparent is None else (("traceparent", envelope.traceparent.encode()),)

    assert read_envelope((*rewritten.items(), *trace)) == envelope


def test_header_names_are_read_in_any_case_and_order():
    shouted = [(name.upper(), value) for name, value in reversed(ENVELOPE.headers())]

    assert read_envelope(shouted) == ENVELOPE


def test_an_event_without_a_chain_is_the_first_of_its_own():
    headers = [(name, value) for name, value in ENVELOPE.headers() if name != "ce_correlationid"]

    assert read_envelope(headers).correlation_id == ENVELOPE.id


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence"])
def test_a_record_without_a_required_header_is_unreadable(missing):
    with pytest.raises(UnreadableEnvelope, match=missing):
        read_envelope((name, value) for name, value in ENVELOPE.headers() if name != missing)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", b"42"),
        ("ce_id", b"\xff\xfe"),
        ("ce_subject", b"CMP-2026-000123"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-03-02T01:15:02"),
        ("ce_sequence", b""),
        ("ce_sequence", b"two"),
        ("ce_sequence", b"0"),
        ("ce_sequence", b"-1"),
        ("ce_sequence", b"9" * 5000),
        ("ce_correlationid", b"none"),
        ("ce_causationid", b""),
    ],
)
def test_a_malformed_header_makes_the_record_unreadable(name, value):
    with pytest.raises(UnreadableEnvelope):
        read_envelope((dict(ENVELOPE.headers()) | {name: value}).items())


def test_a_record_without_headers_is_unreadable():
    with pytest.raises(UnreadableEnvelope):
        read_envelope(())


@pytest.mark.parametrize("name", ["ce_id", "ce_sequence"])
def test_a_null_header_makes_the_record_unreadable(name):
    with pytest.raises(UnreadableEnvelope):
        read_envelope((dict(ENVELOPE.headers()) | {name: None}).items())


@pytest.mark.parametrize("value", [b"\xff\x00", None])
def test_a_foreign_header_of_any_bytes_is_ignored(value):
    assert read_envelope((*ENVELOPE.headers(), ("broker-trace", value))) == ENVELOPE
