import itertools
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.routing.domain.assignment import Basis, Choice, choose
from services.routing.domain.classification import UNREADABLE, Cause, Classification, Doubt, Manner, Severity, doubts
from services.routing.domain.complaint import (
    Complaint,
    Ending,
    State,
    classified,
    closed,
    decided,
    ended,
    forgotten,
    reopened,
    routed,
    settled,
    unlinked,
)
from services.routing.domain.priority import PRIORITIES, prioritise
from services.routing.domain.reasons import CAUSES, CHOICES, LEVELS, MANNERS, SEVERITIES, Sentence
from services.routing.domain.refusals import ComplaintErased, NoSuchTeam
from services.routing.domain.roster import Agent, Team, Teams
from services.routing.settings import DEFAULT_ROSTER, Roster, RoutingSettings

SOME_DAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
SURE = Classification(cause=Cause.QUALITY, confidence=0.9, model="m", severity=Severity.HIGH, manner=Manner.AGITATED)
UNSURE = Classification(cause=Cause.QUALITY, confidence=0.44, model="m")
RECEIVED = Complaint(UUID(int=1), text="冰箱又坏了", language="zh-Hans", tier="A", received_at=SOME_DAY)
REPAIR = Team("after_sales", "售后组", "After-sales", frozenset({Cause.QUALITY}))
REST = Team("desk", "服务台", "Service desk", frozenset(Cause) - {Cause.QUALITY})
TEAMS = Teams([REPAIR, REST])


def agent(agent_id, *languages, **facts):
    return Agent(agent_id, facts.pop("team", "after_sales"), languages or ("zh-Hans",), **facts)


def chosen(*agents, language="zh-Hans", previous=None, open_cases=None, cause=Cause.QUALITY):
    return choose("after_sales", cause, language, previous, agents, open_cases or {})


class TestDoubts:
    def test_a_sure_complaint_needs_nobody(self):
        assert doubts(SURE, 0.45) == ()

    def test_confidence_below_the_threshold_needs_a_person(self):
        assert doubts(UNSURE, 0.45) == (Doubt.LOW_CONFIDENCE,)
        assert doubts(UNSURE, 0.44) == ()

    def test_what_seems_to_be_no_complaint_is_not_dropped_but_looked_at(self):
        thanks = Classification(cause=Cause.SERVICE, confidence=0.2, model="m", is_complaint=False)
        assert doubts(thanks, 0.45) == (Doubt.LOW_CONFIDENCE, Doubt.NOT_A_COMPLAINT)

    def test_what_may_break_the_law_needs_a_person_however_sure(self):
        assert doubts(replace(SURE, cause=Cause.REGULATION), 0.45) == (Doubt.REGULATION,)

    def test_so_does_what_may_hurt_somebody(self):
        assert doubts(replace(SURE, severity=Severity.CRITICAL), 0.45) == (Doubt.SAFETY,)

    @pytest.mark.parametrize(("second", "found"), [(0.29, ()), (0.3, (Doubt.MIXED_CAUSES,))])
    def test_a_second_cause_that_is_nearly_as_likely_needs_a_person(self, second, found):
        mixed = replace(SURE, confidence=0.6, runner_up=Cause.SERVICE, probabilities={"service": second})
        assert doubts(mixed, 0.45) == found

    def test_what_an_incomplete_classifier_was_not_sure_of_needs_a_person(self):
        assert doubts(replace(SURE, degraded=True), 0.45) == (Doubt.DEGRADED,)

    def test_an_unreadable_text_needs_a_person_whatever_the_threshold(self):
        assert doubts(UNREADABLE, 0.0) == (Doubt.LOW_CONFIDENCE,)


class TestChoice:
    def test_the_least_loaded_of_the_team_gets_it(self):
        load = {"a": 3, "b": 1, "c": 2, "other": 0}
        others = agent("other", team="desk")
        assert chosen(agent("a"), agent("b"), agent("c"), others, open_cases=load) == Choice("b", Basis.FREE)

    def test_ties_go_by_id_in_whatever_order_the_roster_comes(self):
        people = [agent("c"), agent("a"), agent("b")]
        assert {chosen(*order) for order in itertools.permutations(people)} == {Choice("a", Basis.FREE)}

    @pytest.mark.parametrize(
        ("spoken", "language", "basis"),
        [
            ("zh-Hans", "zh-Hant", Basis.FREE),
            ("zh-Hant", "zh-Hans", Basis.FREE),
            ("en", "en-GB", Basis.FREE),
            ("en", "und", Basis.FREE),
            ("en", "zh-Hans", Basis.ANYONE),
        ],
    )
    def test_languages(self, spoken, language, basis):
        assert chosen(agent("a", spoken), language=language).basis is basis

    def test_who_speaks_the_language_goes_before_who_has_less_to_do(self):
        assert chosen(agent("a", "en"), agent("b", "zh-Hans"), open_cases={"b": 9}) == Choice("b", Basis.FREE)

    def test_who_is_at_capacity_is_spared_while_anyone_is_free(self):
        people = (agent("a", capacity=2), agent("b", capacity=9))
        assert chosen(*people, open_cases={"a": 2, "b": 5}) == Choice("b", Basis.FREE)
        assert chosen(*people, open_cases={"a": 2, "b": 9}) == Choice("a", Basis.FULL)

    def test_who_takes_other_causes_is_the_last_resort(self):
        people = (agent("a", causes=(Cause.SERVICE,)), agent("b", causes=(Cause.QUALITY,)))
        assert chosen(*people, open_cases={"b": 5}) == Choice("b", Basis.FREE)
        assert chosen(people[0]) == Choice("a", Basis.ANYONE)

    def test_nobody_there_means_the_queue_of_the_team(self):
        assert chosen(agent("a", active=False)) == Choice("queue:after_sales", Basis.NOBODY)

    def test_who_had_it_before_keeps_it_while_active_and_in_the_team(self):
        people = (agent("a"), agent("b", capacity=1))
        assert chosen(*people, previous="b", open_cases={"b": 7}) == Choice("b", Basis.SAME)
        assert chosen(agent("a"), agent("b", active=False), previous="b") == Choice("a", Basis.FREE)
        assert chosen(agent("a"), agent("b", team="desk"), previous="b") == Choice("a", Basis.FREE)


class TestPriority:
    def test_the_matrix_uses_each_of_the_nine_once_and_never_falls_back(self):
        assert sorted(value for row in PRIORITIES for value in row) == list(range(1, 10))
        assert all(row == tuple(sorted(row)) for row in (*PRIORITIES, *zip(*PRIORITIES, strict=True)))

    @pytest.mark.parametrize(
        ("severity", "manner", "tier", "round_number", "expected"),
        [
            ("critical", "neutral", "D", 1, 1),
            ("high", "agitated", "C", 1, 1),
            ("high", "neutral", "C", 1, 2),
            ("medium", "agitated", "C", 1, 3),
            ("medium", "neutral", "C", 1, 7),
            ("medium", "neutral", "A", 1, 4),
            ("medium", "neutral", "C", 2, 5),
            ("low", "agitated", "B", 1, 6),
            ("low", "neutral", "D", 1, 9),
            ("low", "neutral", "A", 1, 7),
        ],
    )
    def test_examples(self, severity, manner, tier, round_number, expected):
        assert prioritise(Severity(severity), Manner(manner), tier, round_number).value == expected

    def test_worse_is_never_later(self):
        severities, manners = list(Severity), [Manner.NEUTRAL, Manner.DEMANDING, Manner.AGITATED]
        for tier, number in itertools.product("ABCD", (1, 2)):
            table = [[prioritise(s, m, tier, number).value for m in manners] for s in severities]
            for row in (*table, *zip(*table, strict=True)):
                assert list(row) == sorted(row, reverse=True)


class TestComplaint:
    def test_the_state_follows_from_the_facts(self):
        assert settled(Complaint(UUID(int=1))).state is State.NONE
        assert settled(RECEIVED).state is State.WAITING
        assert settled(classified(RECEIVED, UNSURE, 0.45)).state is State.TRIAGE
        done = classified(RECEIVED, SURE, 0.45)
        assert settled(done).state is State.ROUTED
        assert settled(closed(done, 1)).state is State.RELEASED
        assert settled(reopened(closed(done, 1), 2)).state is State.ROUTED
        assert settled(ended(done, Ending.WITHDRAWN)).state is State.OVER

    def test_late_news_of_an_earlier_round_changes_nothing(self):
        later = reopened(closed(RECEIVED, 1), 3)
        assert closed(reopened(later, 2), 2) == closed(later, 2)
        assert settled(closed(classified(later, SURE, 0.45), 2)).state is State.ROUTED

    def test_a_person_who_spoke_first_is_not_overruled_by_the_classifier(self):
        told = decided(RECEIVED, Cause.SERVICE, "agent-04", None)
        assert settled(told).state is State.WAITING
        assert settled(classified(told, UNSURE, 0.45)).state is State.ROUTED
        assert classified(told, SURE, 0.45).cause is Cause.SERVICE

    def test_undoing_a_link_undoes_nothing_else(self):
        assert unlinked(ended(RECEIVED, Ending.LINKED)) == RECEIVED
        for ending in (Ending.WITHDRAWN, Ending.ERASED):
            both = ended(ended(RECEIVED, Ending.LINKED), ending)
            assert ended(ended(RECEIVED, ending), Ending.LINKED) == both
            assert unlinked(both).ending is ending

    def test_an_erased_complaint_has_no_words_and_takes_none(self):
        told = decided(classified(RECEIVED, SURE, 0.45), Cause.SERVICE, "agent-04", "听错了")
        gone = forgotten(told)
        assert (gone.text, gone.note, gone.classification.grounds) == (None, None, ())
        assert gone.classification.cause is Cause.QUALITY
        with pytest.raises(ComplaintErased):
            decided(gone, Cause.QUALITY, "agent-04", "x")

    def test_the_reasons_name_team_person_and_what_made_it_urgent(self):
        given = routed(reopened(classified(RECEIVED, SURE, 0.45), 2), TEAMS, [agent("a")], {})
        assert (given.team, given.assignee, given.priority) == ("after_sales", "a", 1)
        assert [reason.zh for reason in given.reasons] == [
            "质量问题交售后组",
            "组内可接手者中在办最少",
            "优先级 1：重要性高（严重程度：高、A 级客户），紧迫性高（客户情绪激动、严重程度：高、第 2 轮处理）",
        ]
        assert [reason.en for reason in given.reasons] == [
            "Quality goes to After-sales",
            "Fewest open cases of those in the team who can take it",
            (
                "Priority 1: importance high (high severity, tier A customer),"
                " urgency high (agitated customer, high severity, round 2 of handling)"
            ),
        ]

    def test_the_reasons_say_when_a_person_named_the_cause(self):
        told = decided(classified(RECEIVED, UNSURE, 0.45), Cause.SERVICE, "agent-04", None)
        assert routed(told, TEAMS, [], {}).reasons[0] == Sentence(
            "服务问题（人工判定）交服务台", "Service (named by a person) goes to Service desk"
        )


class TestWords:
    @pytest.mark.parametrize("table", [CAUSES, CHOICES, LEVELS, SEVERITIES, MANNERS])
    def test_every_word_is_there_in_both_languages(self, table):
        assert set(table) == set(type(next(iter(table))))
        assert all(sentence.zh and sentence.en.isascii() for sentence in table.values())


class TestRoster:
    def test_every_cause_has_exactly_one_team(self):
        with pytest.raises(ValueError, match="exactly one team"):
            Teams([REPAIR])
        with pytest.raises(ValueError, match="exactly one team"):
            Teams([REPAIR, REST, Team("second", "二组", "Second", frozenset({Cause.QUALITY}))])

    def test_a_team_that_is_not_there_is_refused_with_those_that_are(self):
        TEAMS.check("desk")
        with pytest.raises(NoSuchTeam) as refusal:
            TEAMS.check("desks")
        assert refusal.value.errors[0].pointer == "#/team"
        assert "after_sales, desk" in refusal.value.errors[0].en

    def test_the_packaged_roster_answers_every_cause_in_chinese_and_english(self):
        roster = Roster.model_validate_json(DEFAULT_ROSTER.read_bytes())
        teams, agents = roster.all_teams(), roster.all_agents()
        assert {cause: teams.of(cause).team for cause in Cause} == {
            Cause.QUALITY: "after_sales",
            Cause.SERVICE: "service_desk",
            Cause.COMMUNICATION: "service_desk",
            Cause.EXPECTATION_GAP: "customer_care",
            Cause.BROKEN_PROMISE: "customer_care",
            Cause.REGULATION: "compliance",
        }
        for cause, language in itertools.product(Cause, ("zh-Hans", "zh-Hant", "en")):
            assert choose(teams.of(cause).team, cause, language, None, agents, {}).basis is Basis.FREE

    def test_a_roster_of_ones_own(self, tmp_path):
        file = tmp_path / "roster.json"
        file.write_text(
            '{"teams": {"all": {"zh": "全组", "en": "All", "causes": ["quality", "service", "communication",'
            ' "expectation_gap", "broken_promise", "regulation"]}},'
            ' "agents": {"x-1": {"team": "all", "languages": ["en"], "causes": ["service"], "capacity": 3}}}'
        )
        roster = RoutingSettings(database_url="postgresql://x@127.0.0.1/x", roster_file=file).roster()
        assert roster.all_agents() == (Agent("x-1", "all", ("en",), (Cause.SERVICE,), active=True, capacity=3),)
        assert roster.all_teams().of(Cause.REGULATION).en == "All"

    def test_an_agent_of_an_unknown_team_is_told_when_the_service_starts(self):
        roster = Roster.model_validate({"teams": {}, "agents": {"x": {"team": "nowhere", "languages": ["en"]}}})
        with pytest.raises(ValueError, match="nowhere"):
            roster.all_agents()
