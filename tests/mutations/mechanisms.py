"""The mechanisms that promises rest on, each with the edit that takes it away and the tests that must miss it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """Text that stands in a file exactly once, and what stands there when the mechanism is gone."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutation:
    """A mechanism taken away; ``why`` says what is promised by it."""

    name: str
    why: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def _one(name: str, why: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    return Mutation(name, why, (Edit(file, old, new),), tests)


BATCH, FLUSH, LOAD = "shared/runtime/batch.py", "shared/runtime/flush.py", "shared/runtime/load.py"
DOOR, SQL, CONSUMER = "shared/runtime/door.py", "shared/runtime/sql.py", "shared/runtime/consumer.py"
RELAY, LEADER = "shared/runtime/relay.py", "shared/runtime/leader.py"
CALENDAR, CASE, RECEPTION = (
    "shared/calendar.py",
    "services/resolution/domain/case.py",
    "services/intake/domain/reception.py",
)

EVENTS = "tests/contract/test_store_suite_events.py"
TIMERS = "tests/contract/test_store_suite_timers.py"
ANSWERS = "tests/contract/test_store_suite_answers.py"
REPLICAS = "tests/integration/test_runtime_replicas.py"
OFFSETS = "tests/integration/test_consumer_offsets.py"
ON_RELAY = "tests/integration/test_runtime_relay.py"
HISTORY = "tests/integration/test_runtime_history_order.py"
FAULTS = "tests/integration/test_runtime_faults.py"
MODEL = "tests/unit/test_model_"

RUNTIME = (
    Mutation(
        "stream_lock",
        "Two replicas never work on one complaint at the same time.",
        (
            Edit(LOAD, "where pg_try_advisory_xact_lock(key)", "where key is not null"),
            Edit(LOAD, " for update of s skip locked", ""),
        ),
        (f"{REPLICAS}::test_commands_on_hot_streams_are_each_done_once_and_soon",),
    ),
    _one(
        "lock_before_append",
        "History becomes visible in the order of its ids, so the relay passes over nothing.",
        FLUSH, "select pg_advisory_xact_lock($1)", "select $1::bigint",
        f"{HISTORY}::test_a_reader_by_id_loses_and_swaps_nothing_and_one_by_transaction_id_does",
    ),
    _one(
        "position_check",
        "An event that comes twice is applied once.",
        BATCH, "if envelope.sequence < turn:", "if False:",
        f"{EVENTS}::test_an_event_that_comes_twice_is_applied_once",
    ),
    _one(
        "gap_check",
        "An event that comes before its turn waits for it.",
        BATCH, "if envelope.sequence > turn:", "if False:",
        f"{EVENTS}::test_an_event_before_its_turn_waits_and_is_applied_when_the_gap_closes",
    ),
    _one(
        "seek_while_slow",
        "What a rebalance brings while the database is away is read again.",
        CONSUMER, "consumer.seek(tp, early[0].offset)", "pass",
        f"{OFFSETS}::test_what_a_rebalance_brings_after_the_pause_is_fetched_again",
    ),
    _one(
        "offset_after_commit",
        "Offsets are committed after the database, so a crash between repeats and never loses.",
        "shared/runtime/underway.py",
        "            places[each.partition] = min(places[each.partition], each.record.offset)\n",
        "            pass\n",
        f"{OFFSETS}::test_offsets_are_committed_after_the_database_has_committed",
    ),
    _one(
        "resend_after_loss",
        "A broker that lost everything is sent the last days again.",
        RELAY, "return replace(place, last_id=first_id - 1, offsets=())", "return replace(place, offsets=())",
        f"{ON_RELAY}::test_a_cluster_that_lost_everything_is_sent_the_last_days_again",
    ),
    _one(
        "another_cluster",
        "It is noticed by its cluster id, though nothing new is said.",
        RELAY, "            place = await self._gone_back(place)\n", "",
        "tests/integration/test_relay_resend.py",
    ),
    _one(
        "behind_the_topic",
        "A database restored from an older backup publishes nothing under numbers that are taken.",
        "shared/runtime/tail.py", "if envelope.id not in known:", "if False:",
        f"{ON_RELAY}::test_nothing_is_published_while_the_topic_knows_more_than_the_history",
    ),
    _one(
        "place_after_ack",
        "The relay moves on when the broker has the events, not before.",
        RELAY, "        spans = await send_rows(",
        '        await self._store_place(replace(place, last_id=rows[-1]["id"]))\n        spans = await send_rows(',
        f"{ON_RELAY}::test_a_crash_before_the_position_is_kept_repeats_one_batch",
    ),
    _one(
        "relay_leader",
        "One relay publishes at a time.",
        LEADER, 'if await session.fetchval("select pg_try_advisory_lock($1)", _lock_key(role)):', "if role:",
        "tests/integration/test_runtime_leader.py::test_of_several_one_leads",
        f"{ON_RELAY}::test_of_two_relays_one_publishes_and_the_other_takes_over_when_its_session_ends",
    ),
    _one(
        "overdue_before_command",
        "A late command finds a breach stated, and cannot turn it into a deadline that was met.",
        BATCH, "            self._catch_up(subject, self.now)\n", "            pass\n",
        f"{TIMERS}::test_a_command_cannot_cancel_what_is_overdue",
    ),
    _one(
        "due_check",
        "No timer fires before its time.",
        BATCH, "if due_at is None or due_at > self.now:", "if due_at is None:",
        f"{TIMERS}::test_a_timer_whose_time_has_not_come_does_not_fire",
    ),
    _one(
        "breach_time",
        "A breach is stated as of its due instant, however late it is noticed.",
        BATCH, "entry = self._reader.timer(due, due_at)\n        entry.error = entry.error or fault",
        "entry = self._reader.timer(due, self.now)\n        entry.error = entry.error or fault",
        f"{TIMERS}::test_a_timer_fires_once",
    ),
    _one(
        "timer_deleted",
        "A timer fires once, because it is deleted in the transaction of its effect.",
        FLUSH, "            yield _DELETE_TIMERS, transposed(gone)\n", "            yield from ()\n",
        f"{TIMERS}::test_a_timer_fires_once",
    ),
    _one(
        "undo_after_failure",
        "A handler that fails leaves nothing of what it staged.",
        BATCH, "self.work.journal.take_back()", "self.work.journal.keep()",
        "tests/contract/test_store_suite.py::test_a_handler_that_raises_loses_its_own_changes_and_no_others",
    ),
    _one(
        "finding_is_optional",
        "What was found out about an event on its way decides nothing: what fails with it is done without.",
        BATCH, "if entry.message is None or entry.message.finding is None:", "if entry.message is not None:",
        "tests/unit/test_routing_handlers.py::TestClassifying"
        "::test_a_finding_that_cannot_be_used_costs_the_complaint_nothing",
    ),
    _one(
        "company",
        "An event that can wait does so for company, from the first of it on.",
        DOOR, "self._company.cancel()", "self._company.when()",
        "tests/unit/test_runtime_waking.py::test_the_wait_begins_with_the_first_of_the_company",
    ),
    _one(
        "poison_waits",
        "An event whose handler fails waits, and everything behind it on its stream.",
        BATCH, "            self.ledger.wait(waiting.failed(error))\n",
        "            self.ledger.settle(track, envelope.sequence)\n",
        f"{EVENTS}::test_poison_holds_back_its_own_stream_only",
    ),
    _one(
        "held_streams_kept",
        "What another replica holds is tried again and not answered.",
        DOOR, "self._held.extend(held)", "pass",
        f"{ANSWERS}::test_commands_that_wait_for_a_held_stream_are_done_in_order_when_it_is_let_go",
    ),
    _one(
        "commit_in_doubt",
        "A commit whose word was lost is asked about, so that nothing is done twice.",
        SQL, 'return bool(status == "committed")', "return False",
        f"{FAULTS}::test_a_command_is_done_once_when_the_word_of_its_commit_is_lost",
    ),
    _one(
        "reread_under_lock",
        "Rows that were read before their stream was locked are read again.",
        LOAD, "            rows += self._work.forget_guarded()\n", "",
        f"{FAULTS}::test_rows_read_before_their_stream_was_locked_are_read_again",
    ),
    _one(
        "idempotency_answer",
        "A request that is repeated under its key is answered as the first time.",
        BATCH, "        if key and earlier:\n", "        if key and earlier and not key:\n",
        f"{ANSWERS}::test_the_same_key_and_body_is_done_once_and_answered_alike",
    ),
    _one(
        "blanking",
        "An erased complaint's words are gone from history and from what waits.",
        FLUSH, "for subject in self._work.blanked:", "for subject in ():",
        f"{EVENTS}::test_blanking_takes_the_texts_out_of_history_and_of_what_waits",
    ),
    _one(
        "masking",
        "No personal data stands on an event.",
        "services/intake/handlers/masking.py",
        "        if len(masked.text) <= LONGEST_TEXT:\n            return masked.text\n",
        "        return text if isinstance(text, str) else text.text\n",
        "tests/unit/test_intake_handlers.py::TestReceiving",
    ),
    _one(
        "migration_head",
        "Code never runs on a database that lacks its migrations.",
        "shared/runtime/revisions.py",
        "if at is None or (at in revisions.known and at != revisions.head):",
        "if at is None:",
        "tests/integration/test_runtime_migrate.py::test_code_that_is_newer_than_its_database_says_so",
    ),
    _one(
        "halt_on_failures",
        "A bad deploy stops the consumer before it has parked the world.",
        CONSUMER, "self.halted = len(self._failing) >= HALT_AFTER", "self.halted = False",
        "tests/integration/test_runtime_consumer.py::"
        "test_streams_that_fail_in_a_row_halt_it_and_single_ones_in_between_do_not",
    ),
    _one(
        "revision_seen",
        "Nobody decides on what has changed since they looked.",
        CASE, "    if case.revision != seen:\n", "    if case.revision < seen:\n",
        f"{MODEL}case.py",
    ),
)  # fmt: skip

DOMAIN = (
    _one(
        "approval_before_answer",
        "What a customer reads of a remedy was approved.",
        CASE, "Step.APPROVE_REMEDY: State.REMEDY_APPROVED,",
        "Step.APPROVE_REMEDY: State.REMEDY_APPROVED, Step.ANSWER: State.ANSWERED,",
        f"{MODEL}case.py",
    ),
    _one(
        "rounds",
        "News of an earlier round changes nothing.",
        "services/resolution/handlers/reactions.py",
        "if event.round == case.round and case.state in {State.RESOLVED, State.CLOSED}:",
        "if case.state in {State.RESOLVED, State.CLOSED}:",
        f"{MODEL}case.py",
    ),
    _one(
        "closed_clocks_stop",
        "Nothing runs on a closed case.",
        "services/resolution/handlers/rounds.py", "    clocks.stop_clocks(after, work)\n", "",
        f"{MODEL}case.py",
    ),
    _one(
        "clock_changes",
        "A time that occurs twice is the first one.",
        CALENDAR, "datetime.combine(day, opens, self.zone).astimezone(UTC)",
        "datetime.combine(day, opens, self.zone).replace(fold=1).astimezone(UTC)",
        f"{MODEL}calendar.py",
    ),
    _one(
        "make_up_days",
        "A make-up day is worked, whatever its weekday.",
        CALENDAR, "        if day in self.extra_workdays:\n", "        if day in ():\n",
        f"{MODEL}calendar.py",
    ),
    _one(
        "same_story_once",
        "The same story of the same customer goes on with the complaint that tells it.",
        RECEPTION, "return complaint if score >= policy.likeness_threshold else None", "return None",
        f"{MODEL}duplicates.py",
    ),
    _one(
        "only_open_is_followed",
        "A new complaint never follows one that nobody works on.",
        RECEPTION, "if complaint.status is Status.OPEN and at", "if at",
        f"{MODEL}duplicates.py",
    ),
    _one(
        "model_of_waiting",
        "The model of the runtime's order sees a poison that takes effect.",
        BATCH, "self.work.journal.take_back()", "self.work.journal.keep()",
        f"{MODEL}waiting.py",
    ),
    _one(
        "model_of_timers",
        "The model of timers sees a breach that a late command hides.",
        BATCH, "            self._catch_up(subject, self.now)\n", "            pass\n",
        f"{MODEL}timers.py",
    ),
)  # fmt: skip

MUTATIONS = (*RUNTIME, *DOMAIN)
