"""The table in docs/models.md is what the code says."""

from __future__ import annotations

from pathlib import Path

from orchestrator.completions.profile import PROFILES, Profile

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def row(profile: Profile) -> str:
    def yes(value: bool) -> str:
        return "yes" if value else "no"

    cells = [
        f"`{profile.name}`",
        yes(profile.mid_system),
        yes(profile.same_role_twice),
        yes(profile.parallel_field),
        yes(profile.usage_in_stream),
        f"`{profile.limit_field}`",
        f"`{profile.structured}`",
        yes(profile.reasoning_effort),
        yes(profile.prefix_cache),
        f"{profile.window:,}",
    ]
    return f"| {' | '.join(cells)} |"


def test_the_table_of_profiles_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [row(profile) for profile in PROFILES.values() if row(profile) not in page]
    assert not missing, "docs/models.md needs:\n" + "\n".join(row(profile) for profile in PROFILES.values())
    # What has no column is the same for all.
    for profile in PROFILES.values():
        same = (profile.calls, profile.streams_calls, profile.parallel_calls, profile.temperature, profile.system)
        assert all(same)
        assert profile.tool_choice
        assert not profile.thinks_first
