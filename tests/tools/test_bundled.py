"""What comes with Duologue, as a model is told of it."""

from __future__ import annotations

from pathlib import Path

from tools.bundled import bundled


def test_the_bundled_tools_are_these(tmp_path: Path) -> None:
    assert [tool.info.name for tool in bundled(tmp_path)] == [
        "search_files",
        "read_file",
        "list_files",
        "calculate",
        "convert",
        "current_time",
        "convert_time",
        "date_math",
    ]


def test_programs_are_run_only_where_that_is_switched_on(tmp_path: Path) -> None:
    assert "run_python" not in [tool.info.name for tool in bundled(tmp_path)]
    assert [tool.info.name for tool in bundled(tmp_path, python=True)][-1] == "run_python"


def test_each_says_what_it_does_and_what_each_argument_means(tmp_path: Path) -> None:
    for tool in bundled(tmp_path, python=True):
        assert len(tool.info.description) > 40, tool.info.name
        for name, schema in tool.info.schema["properties"].items():
            assert schema.get("description"), f"{tool.info.name}: {name}"


def test_none_of_them_does_harm_when_it_runs_twice(tmp_path: Path) -> None:
    assert [tool.info.name for tool in bundled(tmp_path) if not tool.info.limits.idempotent] == []
