"""The states and steps of a case as a Mermaid diagram; the docs hold what this gives."""

from services.resolution.domain.case import TRANSITIONS, State


def state_diagram() -> str:
    """Draw the table of transitions, every arrow named by its step."""
    arrows = [f"    {state} --> {after}: {step}" for (state, step), after in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {State.PENDING}", *arrows, f"    {State.CLOSED} --> [*]"])
