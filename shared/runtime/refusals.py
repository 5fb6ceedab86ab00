"""What the door itself refuses."""

from shared.refusal import Busy, Invalid, NotFound


class KeyReused(Invalid):
    """This Idempotency-Key was already used with another request body."""

    zh = "此 Idempotency-Key 已用于内容不同的请求。"


class NothingWaits(NotFound):
    """Nothing waits on this stream."""

    zh = "此流上没有等待处理的事件。"


class TooBusy(Busy):
    """The service could not take this up in time; try again with the same Idempotency-Key."""

    zh = "服务暂时繁忙，请使用相同的 Idempotency-Key 重试。"
