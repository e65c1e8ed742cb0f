"""What a life cycle is: states, and from each the states it may move to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MACHINES: dict[str, "Machine"] = {}


@dataclass(frozen=True)
class Machine:
    """A life cycle. `transitions` maps every state to those it may move to; a state without any is final.

    `drawn` are moves that a contract draws and the portal never makes, each with the reason: they are refused.
    """

    name: str
    start: str
    transitions: Mapping[str, tuple[str, ...]]
    drawn: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = set(self.transitions)
        unknown = {to for targets in self.transitions.values() for to in targets} - known
        if unknown or self.start not in known:
            raise ValueError(f"{self.name}: states without a row: {sorted(unknown) or self.start}")
        if any(self.allows(*move) or not known.issuperset(move) for move in self.drawn):
            raise ValueError(f"{self.name}: a move is either made or only drawn, between states that have a row")
        if self.name in MACHINES:
            raise ValueError(f"{self.name} is declared twice")
        MACHINES[self.name] = self

    def allows(self, before: str, after: str) -> bool:
        """Whether the table has this move."""
        return after in self.transitions.get(before, ())

    def is_final(self, state: str) -> bool:
        """Whether no move leads out of the state."""
        return not self.transitions[state]

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram; what is only drawn is said so."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        lines += [f"    {before} --> {after}" for before, targets in self.transitions.items() for after in targets]
        lines += [f"    {before} --> {after}: never made here" for before, after in self.drawn]
        lines += [f"    {state} --> [*]" for state in self.transitions if self.is_final(state)]
        return "\n".join(lines)
