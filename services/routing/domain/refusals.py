"""What routing refuses."""

from shared.refusal import Conflict, Invalid, NotFound, Stale


class NoSuchComplaint(NotFound):
    """No such complaint is known here."""

    zh = "此处没有该投诉。"


class NoSuchAgent(NotFound):
    """There is no such agent on the roster."""

    zh = "名册中没有该经办人。"


class NoSuchTeam(Invalid):
    """There is no such team."""

    zh = "没有这个小组。"


class NothingToDecide(Conflict):
    """This complaint is not in triage."""

    zh = "该投诉不在人工分拣中。"


class ComplaintErased(Conflict):
    """This complaint was erased; nothing is added to it any more."""

    zh = "该投诉已被删除，不再添加任何内容。"


class ChangedMeanwhile(Stale):
    """This has changed since you looked at it."""

    zh = "该内容在您查看之后已有变化。"
