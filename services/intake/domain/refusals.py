"""What intake refuses."""

from shared.refusal import Conflict, Invalid, NotFound, Stale


class NoSuchComplaint(NotFound):
    """There is no complaint of this id or number."""

    zh = "没有此编号的投诉。"


class NoSuchContact(NotFound):
    """There is no contact of this id, or its original is gone."""

    zh = "没有此联系记录，或其原文已删除。"


class NoSuchCustomer(NotFound):
    """There is no customer of this id."""

    zh = "没有此客户。"


class NoSuchMessage(NotFound):
    """There is no outgoing message of this id."""

    zh = "没有此待发消息。"


class UnreadableContact(Invalid):
    """What was handed in cannot be read as what it claims to be."""

    zh = "提交的内容无法按其声明的形式读取。"


class ComplaintNotOpen(Conflict):
    """This complaint is not open."""

    zh = "该投诉目前不是处理中的状态。"


class ComplaintNotLinked(Conflict):
    """This complaint is not linked to another one."""

    zh = "该投诉没有并入其他投诉。"


class LinkLeadsNowhere(Conflict):
    """A complaint can only be linked to another one that is still worked on."""

    zh = "只能并入另一件仍在处理的投诉。"


class DeliveryAlreadyReported(Conflict):
    """Another outcome was already reported for this message."""

    zh = "该消息已报告过不同的发送结果。"


class ChangedMeanwhile(Stale):
    """This complaint has changed since you looked at it."""

    zh = "该投诉在您查看之后已有变化。"
