"""What followup refuses."""

from shared.refusal import Conflict, NotFound, Stale


class NoSuchCallback(NotFound):
    """No such complaint is followed up here."""

    zh = "此处没有该投诉的回访记录。"


class CallbackNotDue(Conflict):
    """There is no callback to make or to rate at present."""

    zh = "当前没有待进行或待评价的回访。"


class ChangedMeanwhile(Stale):
    """This callback has changed since you looked at it."""

    zh = "该回访在您查看之后已有变化。"
