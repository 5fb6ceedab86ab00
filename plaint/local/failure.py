"""What a caller is told when a stand-in cannot do what was asked."""


class LocalFailure(RuntimeError):
    """
    A local stand-in could not be installed, started or reached.

    Attributes:
        key: What went wrong, for the caller's own zh and en sentence, e.g. ``kafka.java_missing``.
        log_tail: The last lines the program wrote, empty when it never ran.
    """

    def __init__(self, key: str, message: str, log_tail: str = "") -> None:
        super().__init__(f"{message}\n{log_tail}" if log_tail else message)
        self.key = key
        self.log_tail = log_tail
