"""Speech that nobody asks for at that moment: at a time, again and again, on a cue, with a count.

Time is virtual here, so the minute of conversation takes no time at all.
"""

from orchestrator import Emit
from orchestrator.clock import from_ms, to_ms
from orchestrator.events import UserLeft, UserText
from orchestrator.scenario import Scenario
from orchestrator.simulation import simulate_virtually

SCRIPT = [
    (0, "remind me in 10 seconds to stretch"),
    (2_000, "whenever I say ship, say ahoy"),
    (4_000, "count how often I say well"),
    (15_000, "well, the ship has left, well"),
    (20_000, "how often did I say well?"),
    (25_000, "every 5 seconds say breathe"),
    (43_000, "stop saying breathe"),
]


def main() -> None:
    """Hold the conversation and print it with its times."""
    events = [(from_ms(at), UserText(text, final=True)) for at, text in SCRIPT]
    scenario = Scenario(events=(*events, (from_ms(60_000), UserLeft())))
    spoken = ""
    for record in simulate_virtually(scenario).records:
        seconds = to_ms(record.at) / 1_000
        match record.item:
            case UserText(text=text):
                print(f"{seconds:5.1f}  you       {text}")
            case Emit(text=text, ends=ends):
                spoken += text
                if ends:
                    print(f"{seconds:5.1f}  duologue  {spoken}")
                    spoken = ""
            case _:
                pass


if __name__ == "__main__":
    main()
