"""What resolution refuses."""

from shared.refusal import Conflict, Invalid, NotFound, Stale


class NoSuchCase(NotFound):
    """There is no case of this complaint."""

    zh = "没有该投诉的案件。"


class NoSuchPromise(NotFound):
    """This case has no such promise."""

    zh = "该案件没有此承诺。"


class StepNotPossible(Conflict):
    """The case is not at a point where this step can be taken."""

    zh = "案件当前的状态不允许这一步。"


class ComplaintOver(Conflict):
    """The complaint was withdrawn, linked to another one or erased."""

    zh = "该投诉已撤回、合并或删除。"


class RemedyNotDone(Conflict):
    """The approved remedy has not been carried out yet."""

    zh = "已批准的解决方案尚未执行完毕。"


class ReasonNeeded(Invalid):
    """A case without an answer is closed only for a stated reason."""

    zh = "未答复的案件须说明理由才能结案。"


class PromiseDecided(Conflict):
    """This promise has been kept, broken or cancelled before."""

    zh = "该承诺已兑现、已违背或已取消。"


class PromiseNotAhead(Invalid):
    """A promise must fall due in the future."""

    zh = "承诺的期限必须在将来。"


class PersonalDataInText(Invalid):
    """A text to the customer cannot hold personal data; use the tokens, such as ⟦phone:1⟧."""

    zh = "发给客户的文字不能含有个人信息；请使用占位符，例如 ⟦phone:1⟧。"


class ChangedMeanwhile(Stale):
    """This case has changed since you looked at it."""

    zh = "该案件在您查看之后已有变化。"
