"""The pytest plugin, as a stranger has it: in runs of pytest of their own, where nothing else of ours is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = "orchestrator.testing.pytest_plugin"

REAL_MODEL = """
    import pytest
    from orchestrator.completions.switch import check_allowed
    from orchestrator.completions.troubles import ModelTrouble

    def test_a_real_model_is_{word}():
        {body}
"""
REFUSED = """with pytest.raises(ModelTrouble, match="was to be called in a test"):
            check_allowed("https://api.example.com/v1")"""
ALLOWED = 'check_allowed("https://api.example.com/v1")'


def run(folder: Path, test: str, *options: str, settings: str = "") -> subprocess.CompletedProcess[str]:
    """The report of a test file, in a folder with nothing but it and the settings."""
    (folder / "test_it.py").write_text(dedent(test), encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\n{settings}\n", encoding="utf-8")
    # CI: where it is set, pytest gives the whole message once more in its summary.
    ours = ("PYTEST", "DUOLOGUE", "CI")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-config", "-p", PLUGIN, *options, "test_it.py"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        timeout=50,
        check=False,
    )


def test_a_conversation_that_fails_is_in_the_report(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(conversation):
            never_held, talk = conversation(), conversation()
            talk.voice.when("train", delegates=talk.tool("trains").returns("The 9:12."))
            talk.person.types("the train?")
            talk.run()
            assert "the test itself" == "failed"
        """,
    )
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "Duologue conversation 1 " not in done.stdout
    assert "-- Duologue conversation 2 --" in done.stdout
    assert 'person     types "the train?"' in done.stdout
    assert "-- Duologue conversation 2: journal --" in done.stdout
    assert '"type":"delegate","id":"s-1","task":"the train?"' in done.stdout


def test_an_expectation_that_fails_points_at_the_line_of_the_test(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def test_it(conversation):
            talk = conversation()
            talk.run()
            talk.expect.said("the 9:12").between(1_000, 2_000)
        """,
    )
    assert 'AssertionError: Expected the assistant to say "the 9:12".' in done.stdout, done.stdout + done.stderr
    assert 'talk.expect.said("the 9:12").between(1_000, 2_000)' in done.stdout
    assert "__tracebackhide__" not in done.stdout
    assert done.stdout.count("the person had no more to say") == 2, "the picture once, and the journal"


def test_the_fixtures(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        from orchestrator.timing import default_policy

        def test_a_conversation(conversation):
            talk = conversation(timing=default_policy())
            talk.person.types("hello")
            talk.run()
            assert talk.records

        def test_a_clock(manual_clock):
            manual_clock.advance(250)
            assert manual_clock.now() == 250_000_000
        """,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("fixture", "settings", "forbidden"),
    [
        ("", "", False),
        ("", "duologue_forbid_model_calls = false", False),
        ("", "duologue_forbid_model_calls = true", True),
        ("forbid_model_calls", "", True),
    ],
)
def test_real_models_are_forbidden_only_where_that_is_asked_for(
    tmp_path: Path, fixture: str, settings: str, forbidden: bool
) -> None:
    test = REAL_MODEL.format(word="met", body=REFUSED if forbidden else ALLOWED)
    done = run(tmp_path, test.replace("_met()", f"_met({fixture})"), settings=settings)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    """Whoever has Duologue installed loads it with each run: it brings no library, and no fixture for each test."""
    done = run(
        tmp_path,
        """
        import sys

        def test_it(request):
            heavy = {"anyio", "msgspec", "pydantic", "redis", "openai", "interaction", "background", "tools"}
            assert heavy & set(sys.modules) == set()
            assert [name for name in sys.modules if name.startswith("orchestrator.")] == [
                "orchestrator.version", "orchestrator.testing", "orchestrator.testing.pytest_plugin"
            ]
            assert request.fixturenames == ["request"]
        """,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_a_fixture_of_ones_own_comes_first(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import pytest

        @pytest.fixture
        def conversation():
            return "mine"

        def test_it(conversation):
            assert conversation == "mine"
        """,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_pytest_finds_it_by_itself() -> None:
    assert f'duologue = "{PLUGIN}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("pytest11]")[1]
