"""Draw the states of a journey from the code's own table into ARCHITECTURE.md.

    python docs/diagram.py

A test fails while the drawing and the table differ.
"""

from pathlib import Path

from endorse.core.journey import STEPS, Actor, State

ARCHITECTURE = Path(__file__).parent.parent / "ARCHITECTURE.md"
BEGIN, END = "<!-- states: begin -->", "<!-- states: end -->"

_SHORT = {
    Actor.BROWSER: "browser",
    Actor.PHONE: "phone",
    Actor.ANY_PHONE: "any phone",
    Actor.ASKED_PHONE: "the person's phone",
    Actor.NEAR_PASSKEY: "passkey on the page",
    Actor.OTHER_PERSON: "another person's phone",
    Actor.PERSON_ELSEWHERE: "the person elsewhere",
    Actor.RISK: "risk verdict",
    Actor.REVOKER: "person or bank",
    Actor.CLIENT: "client",
    Actor.CLOCK: "clock",
}


def drawing() -> str:
    """Give the diagram as Mermaid, one arrow for each source of each step."""
    arrows = [
        f"    {source} --> {step.target}: {step.event} ({_SHORT[step.actor]})"
        for step in STEPS.values()
        for source in (step.sources or ("[*]",))
    ]
    final = [state for state in State if all(state not in s.sources for s in STEPS.values())]
    ends = [f"    {state} --> [*]" for state in final]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```"])


def with_drawing(text: str) -> str:
    """Give a text with what stands between the two marks replaced by the drawing."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{drawing()}\n{END}{after}"


if __name__ == "__main__":
    ARCHITECTURE.write_text(with_drawing(ARCHITECTURE.read_text("utf-8")), "utf-8")
