"""Toolboxes: prefixes, limits, parts, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from background.workbench import Workbench
from orchestrator.errors import ConfigError, ToolDefinitionError
from orchestrator.function_tool import tool
from orchestrator.ports import Result, ToolCall
from orchestrator.toolbox import Toolbox
from tests.background.task_host import Host


def plain(city: str) -> str:
    """Say a city."""
    return city


@tool(timeout=3)
def quick(city: str) -> str:
    """Say it quickly."""
    return city


def names(box: Toolbox) -> list[str]:
    return [each.info.name for each in box]


@pytest.fixture
def shop() -> Toolbox:
    box = Toolbox("shop", [plain, quick], prefix="shop_", timeout=9, retries=2)

    @box.tool
    async def order(number: int) -> str:
        """Order."""
        return f"ordered {number}"

    @box.tool(timeout=30, name="cancel-order")
    async def cancel(number: int) -> str:
        """Call it off."""
        return f"cancelled {number}"

    assert order.info.name == "order", "the function keeps its own name"
    return box


def test_a_box_has_a_name_and_it_comes_first() -> None:
    with pytest.raises(ConfigError) as raised:
        Toolbox([plain, quick], prefix="shop_")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert "list" in raised.value.why
    assert "Toolbox(" in raised.value.todo


def test_its_tools_have_the_prefix_and_its_limits_where_they_say_nothing(shop: Toolbox) -> None:
    limits = {each.info.name: (each.info.limits.timeout, each.info.limits.retries) for each in shop}
    assert limits == {
        "shop_plain": (9, 2),
        "shop_quick": (3, 2),
        "shop_order": (9, 2),
        "shop_cancel-order": (30, 2),  # which is the default, and was said all the same
    }
    assert len(shop) == 4
    assert repr(shop) == "<toolbox shop: shop_plain, shop_quick, shop_order, shop_cancel-order>"


@pytest.mark.anyio
async def test_they_are_called_by_the_name_that_models_see(shop: Toolbox) -> None:
    tools = Workbench(list(shop)).for_task(Host())
    assert await tools.call(ToolCall("shop_order", {"number": 7})) == (Result("ordered 7"),)


def test_a_part_of_it(shop: Toolbox) -> None:
    assert names(shop.only("shop_order", "*cancel*")) == ["shop_order", "shop_cancel-order"]
    assert names(shop.without("*order*")) == ["shop_plain", "shop_quick"]
    assert names(shop.only("*")) == names(shop)
    assert names(shop) == ["shop_plain", "shop_quick", "shop_order", "shop_cancel-order"], "a part is another box"


@pytest.mark.parametrize("part", [Toolbox.only, Toolbox.without])
def test_a_pattern_that_fits_nothing_is_refused(shop: Toolbox, part: Any) -> None:
    with pytest.raises(ConfigError, match="no tool of the toolbox 'shop' is called 'oder'"):
        part(shop, "oder")


def test_boxes_in_boxes_and_under_another_prefix(shop: Toolbox) -> None:
    both = Toolbox("both", [shop.only("shop_order"), plain])
    assert names(both.prefixed("x_")) == ["x_shop_order", "x_plain"]


def test_limits_for_all_of_them(shop: Toolbox) -> None:
    assert {each.info.limits.timeout for each in shop.limited(timeout=1)} == {1}
    with pytest.raises(ToolDefinitionError, match="timout"):
        shop.limited(timout=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]


def test_two_of_one_name_and_names_that_are_none_are_refused() -> None:
    box = Toolbox("box", [plain])
    with pytest.raises(ConfigError, match="two tools called 'plain'"):
        box.add(plain)
    with pytest.raises(ConfigError, match="cannot be the name of a tool"):
        Toolbox("box", [plain], prefix="my box ")
    with pytest.raises(ToolDefinitionError, match="knows no timout"):
        Toolbox("box", timout=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
