"""What callers send and get."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from services.resolution.domain.case import Cause, ClosedReason, Ending, State
from services.resolution.domain.clocks import DeadlineState
from services.resolution.domain.promise import PromiseState
from shared.api.values import Instant, Text

Written = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
"""What staff write: not empty."""
Remedy = Literal["repair", "replacement", "refund", "compensation", "apology", "explanation", "correction", "other"]


def _examples(*examples: JsonValue) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class By(BaseModel):
    """Who acts."""

    model_config = _examples({"by": "agent-207"}, {})

    by: Text | None = Field(
        default=None, max_length=100, description="Id of who acts; the caller's key if absent 操作人编号"
    )


class FindingRequest(By):
    """What happened."""

    model_config = _examples(
        {"finding": "师傅当天请假，派单系统没有改派，也无人通知客户。", "cause": "broken_promise", "by": "agent-207"},
        {"finding": "The courier left the parcel outside although a signature had been paid for.", "cause": "service"},
    )

    finding: Written
    cause: Cause | None = Field(default=None, description="The true cause, where it is known 查明的原因")


class RemedyRequest(By):
    """A way to put it right."""

    model_config = _examples(
        {"remedy": "compensation", "text": "明天上午免费上门更换滤芯，并赠送一支备用滤芯。", "by": "agent-207"},
        {"remedy": "refund", "text": "Refund the delivery fee and deliver again on Saturday."},
    )

    remedy: Remedy
    text: Written


class TextRequest(By):
    """Words to the customer, in their language; tokens such as ⟦name:1⟧ are filled in before sending."""

    model_config = _examples(
        {"text": "⟦name:1⟧ 您好：经查，当天漏派了师傅，是我们的失误。师傅明天上午九点上门。", "by": "agent-207"},
        {"text": "Dear ⟦name:1⟧, the parcel should not have been left outside. We refund the delivery fee today."},
    )

    text: Written


class NoteRequest(By):
    """A remark for the colleagues."""

    model_config = _examples(
        {"text": "客户希望下午联系。", "by": "agent-207"}, {"text": "Prefers to be called after four."}
    )

    text: Written


class ReasonRequest(By):
    """Why."""

    model_config = _examples(
        {"reason": "客户来电说问题已自行解决。", "by": "agent-207"},
        {"reason": "The customer took it to the ombudsman."},
    )

    reason: Written | None = Field(default=None, description="Kept as a note 记为备注")


class EscalationRequest(By):
    """Who is called on."""

    model_config = _examples({"contact": "lead-031", "by": "agent-207"}, {})

    contact: Text | None = Field(
        default=None, min_length=1, max_length=100, description="The team's own contact if absent 缺省为本组联系人"
    )


class PromiseRequest(By):
    """What the customer is promised, and by when."""

    model_config = _examples(
        {"text": "三个工作日内退还运费", "due_at": "2026-03-05T18:00:00+08:00", "by": "agent-207"},
        {"text": "A new courier by Saturday noon", "due_at": "2026-03-07T12:00:00Z"},
    )

    text: Written
    due_at: Instant


class DoneModel(BaseModel):
    """The new state."""

    complaint_id: UUID
    state: State
    round: int
    revision: int = Field(description="What the ETag says now 当前版本号，同 ETag")
    promise_id: UUID | None = Field(default=None, description="The promise that this was about 相关承诺的编号")


class CaseModel(BaseModel):
    """A case as the queue shows it."""

    model_config = ConfigDict(from_attributes=True)

    complaint_id: UUID
    number: str | None
    state: State
    round: int = Field(description="1 for the first handling, 2 after the first reopening 第几轮处理")
    cause: Cause | None
    team: str | None
    owner: str | None
    priority: int = Field(description="1 is most urgent, as routing said first 1 为最急，以首次分派为准")
    severity: str
    tier: str
    language: str
    channel: str | None
    received_at: datetime | None
    subject_line: str | None
    next_due_at: datetime | None = Field(description="The next date that is not done with 最近一个未完成的期限")
    escalation_level: int
    revision: int = Field(description="What the ETag says 版本号，同 ETag")


class DeadlineModel(BaseModel):
    """One clock."""

    model_config = ConfigDict(from_attributes=True)

    round: int
    kind: str = Field(description="acknowledge, answer, resolve, or a legal clock 期限种类")
    due_at: datetime
    warn_at: datetime
    legal: bool
    state: DeadlineState
    done_at: datetime | None = Field(description="When the step was done, in time or late 完成时间")


class PromiseModel(BaseModel):
    """One promise."""

    model_config = ConfigDict(from_attributes=True)

    promise_id: UUID
    round: int
    text: str
    due_at: datetime
    state: PromiseState
    by: str


class NoteModel(BaseModel):
    """One remark."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    by: str
    text: str


class CaseDetailModel(CaseModel):
    """A case with everything that hangs on it."""

    customer_id: UUID | None
    text: str | None = Field(description="What the customer told, masked 客户陈述（已脱敏）")
    predicted: Cause | None = Field(description="What the classifier said 分类器的判断")
    confirmed_cause: Cause | None = Field(description="What the investigation found 调查确认的原因")
    regulated: bool = Field(description="Legal clocks of the country apply 适用法定时限")
    finding: str | None
    remedy: str | None
    remedy_text: str | None
    remedy_done: bool
    answer: str | None
    resolved_at: datetime | None
    closed_reason: ClosedReason | None
    over: tuple[Ending, ...] = Field(description="Why intake calls it over, oldest first 投诉端的终止原因")
    messages_received: int
    messages_sent: int
    messages_failed: int
    deadlines: list[DeadlineModel]
    promises: list[PromiseModel]
    notes: list[NoteModel]
