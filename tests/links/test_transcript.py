"""A conversation as lines: appended, whole, and in order."""

from __future__ import annotations

from interaction.links.transcript import Transcript
from orchestrator.effects import Emit


def test_pieces_join_into_a_line_without_a_space_at_its_end() -> None:
    transcript = Transcript()
    pieces = [Emit(1, "It is ", 1), Emit(2, "half past ", 1), Emit(3, "nine. ", 1), Emit(4, "", 1, ends=True)]
    assert [transcript.speech(piece) for piece in pieces] == ["duologue: It is", " half past", " nine.", "\n"]


def test_an_interruption_ends_the_line_with_a_mark_once() -> None:
    transcript = Transcript()
    assert transcript.speech(Emit(1, "It is ", 1)) + transcript.stop() + transcript.stop() == "duologue: It is --\n"


def test_the_next_utterance_begins_a_line_of_its_own() -> None:
    transcript = Transcript()
    text = transcript.speech(Emit(1, "One thing ", 1)) + transcript.speech(Emit(2, "Another. ", 2, ends=True))
    assert text == "duologue: One thing\nduologue: Another.\n"


def test_other_lines_wait_until_the_spoken_one_is_finished() -> None:
    transcript = Transcript()
    assert transcript.aside("  [working] first") == "  [working] first\n"
    assert transcript.speech(Emit(1, "It is ", 1)) == "duologue: It is"
    assert transcript.aside("  [working] second") == ""
    assert transcript.speech(Emit(2, "the card", style="card")) == ""
    assert transcript.speech(Emit(3, "nine.", 1, ends=True)) == " nine.\n  [working] second\n  [card] the card\n"


def test_too_many_waiting_lines_break_the_spoken_one_rather_than_pile_up() -> None:
    transcript = Transcript()
    transcript.speech(Emit(1, "It is ", 1))
    printed = "".join(transcript.aside(f"line {number}") for number in range(200))
    assert printed.startswith("\nline 0\nline 1\n")
    assert printed.endswith("line 199\n")


def test_speech_cannot_move_a_cursor() -> None:
    assert Transcript().speech(Emit(1, "a\x1b[2Jb\rc\nd", 1, ends=True)) == "duologue: ab\ufffdc\n  d\n"
