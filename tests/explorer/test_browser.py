"""The explorer in a real browser: used by mouse, by keyboard and on a phone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from .conftest import PHONE, Explorer, Open
from .schemas import HOSTILE

BOXES = """[...document.querySelectorAll("#nodes [data-table]")].map((node) => {
    const {left, right, top, bottom} = node.querySelector(".outline").getBoundingClientRect();
    return {table: node.dataset.table, left, right, top, bottom};
})"""


def overlapping(boxes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (one["table"], other["table"])
        for number, one in enumerate(boxes)
        for other in boxes[number + 1 :]
        if one["left"] < other["right"]
        and other["left"] < one["right"]
        and one["top"] < other["bottom"]
        and other["top"] < one["bottom"]
    ]


async def search(page: Page, text: str) -> list[str]:
    await page.fill("#search", text)
    return [" ".join(line.split()) for line in await page.locator("#results li").all_inner_texts()]


# The diagram.


async def test_diagram_has_every_table_and_every_foreign_key(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    boxes = await window.page.evaluate(BOXES)
    assert {box["table"] for box in boxes} == {model["attribute"] for model in reference.data["models"]}
    assert overlapping(boxes) == []
    keys = sum(len(model["foreign_keys"]) for model in reference.data["models"])
    assert await window.page.locator("#lines .line").count() == keys
    title = "Case.guild_id → Guild.id, on delete cascade"
    assert title in await window.page.locator("#lines title").all_text_contents()


async def test_whole_diagram_is_in_view_at_first(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    room = await window.page.locator("#diagram").bounding_box()
    assert room
    for box in await window.page.evaluate(BOXES):
        assert room["x"] <= box["left"] < box["right"] <= room["x"] + room["width"]
        assert room["y"] <= box["top"] < box["bottom"] <= room["y"] + room["height"]


async def test_lines_between_columns_pass_no_table(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    crossed = await window.page.evaluate("""() => {
        const boxes = [...drawn.boxes.values()];
        return [...document.querySelectorAll("#lines .line")].flatMap((line) => {
            const path = line.querySelector(".thin");
            const length = path.getTotalLength();
            const points = Array.from({length: 200}, (_, number) => path.getPointAtLength((number / 199) * length));
            return boxes
                .filter(({table}) => ![line.dataset.from, line.dataset.to].includes(table.key))
                .filter(({x, y, width, height}) => points.some((point) =>
                    point.x > x + 1 && point.x < x + width - 1 && point.y > y + 1 && point.y < y + height - 1))
                .map(({table}) => `${line.dataset.from} to ${line.dataset.to} passes ${table.key}`);
        });
    }""")
    assert crossed == []


async def test_wheel_zooms_where_the_pointer_is_and_dragging_moves(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    page = window.page
    guild = page.locator('[data-table="guild"] .outline')
    box = await guild.bounding_box()
    assert box
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = await window.scale()
    await page.mouse.move(*centre)
    await page.mouse.wheel(0, -400)
    assert await window.scale() > before
    zoomed = await guild.bounding_box()
    assert zoomed
    assert zoomed["x"] < centre[0] < zoomed["x"] + zoomed["width"], "the point under the pointer does not move"
    await page.mouse.down()
    await page.mouse.move(centre[0] + 120, centre[1] + 80, steps=4)
    await page.mouse.up()
    moved = await guild.bounding_box()
    assert moved
    assert (round(moved["x"] - zoomed["x"]), round(moved["y"] - zoomed["y"])) == (120, 80)
    assert await page.locator("#panel").is_hidden(), "the end of a drag opens no table"


async def test_buttons_zoom_show_all_and_choose_the_columns(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference, reduced_motion="reduce")
    page = window.page
    fitting = await window.scale()
    await page.click("#zoom-in")
    assert await window.scale() > fitting
    await page.click("#zoom-out")
    await page.click("#zoom-out")
    assert await window.scale() < fitting
    await page.click("#fit")
    assert await window.scale() == pytest.approx(fitting)
    rows = await page.locator("#nodes .row").count()
    assert rows == sum(len(model["columns"]) for model in reference.data["models"])
    await page.select_option("#detail", "keys")
    assert 0 < await page.locator("#nodes .row").count() < rows
    await page.select_option("#detail", "none")
    assert await page.locator("#nodes .row").count() == 0
    assert overlapping(await page.evaluate(BOXES)) == []


async def test_every_kind_of_connection_is_drawn(odd: Explorer, open_page: Open) -> None:
    window = await open_page(odd)
    labels = await window.page.locator("#lines title").all_text_contents()
    assert sorted(labels) == [
        "Cover.note_id → Note.id, on delete cascade",
        "Label ↔ Note, through note_labels",
        "Note.outside_id → outside.id",
        "Note.parent_id → Note.id",
    ]
    assert await window.page.locator("#nodes .external").get_attribute("aria-label") == (
        "outside, a table without a model here"
    )
    assert await window.page.locator("#lines .linked").count() == 1


async def test_column_of_the_primary_key_and_of_a_foreign_key_has_both_marks(odd: Explorer, open_page: Open) -> None:
    window = await open_page(odd)
    marks = {
        table: await window.page.locator(f'#nodes [data-table="{table}"] .mark').all_text_contents()
        for table in ("cover", "note", "label")
    }
    assert marks == {"cover": ["PK", "FK"], "note": ["PK", "FK", "FK"], "label": ["PK"]}
    assert overlapping(await window.page.evaluate(BOXES)) == []


# The panel.


async def test_clicking_a_table_shows_all_about_it(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    page, model = window.page, reference.model("Case")
    await page.click('#nodes [data-table="case"]')
    assert await window.panel() == "Case"
    assert await page.locator("#panel .column-name").all_inner_texts() == [each["name"] for each in model["columns"]]
    names = await page.locator("#panel .method-name").all_inner_texts()
    assert sorted(names) == sorted(method["name"] for method in model["methods"])
    absent = await page.locator("#panel .absent dt").all_inner_texts()
    assert absent == [each["name"] for each in model["absent"]]
    reasons = await page.locator("#panel .absent dd").all_inner_texts()
    assert reasons == [each["reason"].replace("`", "") for each in model["absent"]]
    indexes = await page.locator("#panel .card-title code").all_inner_texts()
    assert indexes == [index["name"] for index in model["indexes"]]
    assert await page.title() == "Case · generated · ctrlgen explain"


async def test_column_names_every_key_that_contains_it(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    await window.page.click('#nodes [data-table="levels"]')
    await window.shows("levels")
    rows = await window.page.locator("#panel tbody tr").all()
    keys = {
        await row.locator(".column-name").inner_text(): await row.locator(".chip").all_inner_texts() for row in rows
    }
    assert keys["member_id"] == ["primary key, column 2"]
    assert keys["guild_id"] == ["primary key", "index", "Guild"]
    assert keys["xp"] == ["index, column 2"]
    assert keys["level"] == []


async def test_method_has_signature_statements_and_cost(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference, "#/case/methods/find_by_guild_id")
    page = window.page
    method = next(each for each in reference.model("Case")["methods"] if each["name"] == "find_by_guild_id")
    card = page.locator('[id="methods:find_by_guild_id"]')
    assert await card.evaluate("element => element.open")
    assert "".join((await card.locator(".signature").inner_text()).split()).replace(",)", ")") == "".join(
        method["signature"].split()
    )
    assert method["summary"].replace("`", "") in await card.inner_text()
    await card.locator(".folded").first.click()
    statement = " ".join((await card.locator(".sql").first.inner_text()).split())
    assert statement == method["statements"][0]["sql"]


async def test_link_leads_from_method_to_index_and_back(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    page = window.page
    await page.click('#nodes [data-table="user"]')
    await page.click('[id="methods:get_by_discord_id"] summary')
    await page.click('[id="methods:get_by_discord_id"] .backing a')
    target = page.locator("#panel .target")
    assert "uq_users_discord_id" in await target.inner_text()
    assert (await window.focused())["id"] == await target.get_attribute("id")
    await target.locator("a", has_text="update_by_discord_id").first.click()
    assert await page.locator("#panel .target .method-name").inner_text() == "update_by_discord_id"
    assert await page.locator("#panel .target").evaluate("element => element.open")
    await page.go_back()
    assert "uq_users_discord_id" in await page.locator("#panel .target").inner_text()


async def test_every_index_links_to_the_methods_it_backs_and_they_link_back(
    reference: Explorer, open_page: Open
) -> None:
    window = await open_page(reference)
    for model in reference.data["models"]:
        await window.page.evaluate(f"goTo('#/{model['attribute']}')")
        await window.shows(model["attribute"])
        for number, index in enumerate(model["indexes"]):
            links = window.page.locator(f'[id="indexes:{number}"] .chip')
            assert await links.all_text_contents() == index["backs"]
            for name in index["backs"]:
                back = window.page.locator(f'[id="methods:{name}"] .backing a')
                assert await back.text_content() == index["name"]


async def test_foreign_keys_and_referrers_lead_from_table_to_table(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference, "#/snippet_tag")
    page = window.page
    await page.locator("#panel section", has_text="Foreign keys").get_by_role("link", name="Tag", exact=True).click()
    assert await window.panel() == "Tag"
    await page.locator("#panel section", has_text="Referred to by").get_by_role("link", name="SnippetTag").click()
    assert await window.panel() == "SnippetTag"


async def test_missing_index_is_named_and_can_be_copied(odd: Explorer, open_page: Open) -> None:
    window = await open_page(odd, permissions=["clipboard-read", "clipboard-write"])
    page = window.page
    await page.click("#overview")
    assert "1 index missing" in await page.inner_text("#overview")
    assert await window.panel() == "Overview"
    await page.get_by_role("button", name="Copy the index for find_by_outside_id").click()
    await page.get_by_role("button", name="Copy the index").get_by_text("Copied").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == 'Index("ix_notes_outside_id", "outside_id"),'
    await page.get_by_role("link", name="Note").first.click()
    assert "A foreign key has no index" in await page.inner_text("#panel .callout")


# The search.


async def test_search_finds_tables_columns_methods_and_indexes(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    page = window.page
    assert (await search(page, "guild"))[0] == "table Guild"
    assert await search(page, "user.discord_id") == ["column discord_id User"]
    assert (await search(page, "upsert discord"))[0] == "method upsert_by_discord_id User"
    assert (await search(page, "find guild"))[0] == "method find_by_guild_id Afk"
    assert "index uq_users_discord_id User" in await search(page, "uq_users")
    assert "not emitted find_by_username User" in await search(page, "find_by_username")
    assert await search(page, "nothing like that") == []
    assert await page.inner_text("#search-status") == "Nothing found"


async def test_search_opens_the_chosen_result(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    page = window.page
    await search(page, "uq_users_discord_id")
    await page.click("#results li")
    assert await window.panel() == "User"
    assert "uq_users_discord_id" in await page.locator("#panel .target").inner_text()
    assert await page.locator("#results").is_hidden()
    assert await page.locator('#nodes [data-table="user"]').get_attribute("aria-current") == "true"


# Keys alone.


async def test_everything_can_be_done_with_the_keyboard_alone(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference, reduced_motion="reduce")
    page = window.page
    await page.keyboard.press("Tab")
    assert (await window.focused())["label"] == "Skip to the diagram"
    await page.keyboard.press("/")
    await page.keyboard.type("reminder")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowUp")
    assert await page.get_attribute("#search", "aria-activedescendant") == "result-0"
    await page.keyboard.press("Enter")
    assert await window.panel() == "Reminder"
    assert (await window.focused())["id"] == "panel-title"
    while not (await window.focused())["label"].startswith("get_by_id"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert (await page.evaluate("location.hash")) == "#/reminder/methods/get_by_id"
    assert await page.locator('[id="methods:get_by_id"]').evaluate("element => element.open")
    await page.keyboard.press("Escape")
    assert await page.locator("#panel").is_hidden()
    assert (await window.focused())["table"] == "reminder"


async def test_arrow_keys_reach_every_table_of_the_diagram(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference, reduced_motion="reduce")
    page = window.page
    ways = await page.evaluate("""() => {
        const seen = new Set([tables[0]]);
        for (const table of seen) {
            for (const direction of Object.values(DIRECTIONS)) {
                const next = tableTowards(table, direction);
                if (next) seen.add(next);
            }
        }
        return [...seen].map(({key}) => key);
    }""")
    assert set(ways) == {model["attribute"] for model in reference.data["models"]}
    await page.keyboard.press("d")
    start = await window.focused()
    assert start["label"].startswith("Afk: 5 columns")
    await page.keyboard.press("ArrowRight")
    there = await window.focused()
    assert there["table"] not in {"", start["table"]}
    assert await page.evaluate("isInView(tableByKey.get(document.activeElement.dataset.table))")
    await page.keyboard.press("Enter")
    await window.shows(there["table"])


async def test_keys_are_listed_in_a_dialog(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference)
    await window.page.keyboard.press("?")
    assert await window.page.get_by_role("dialog", name="Keys").is_visible()
    await window.page.keyboard.press("Escape")
    assert await window.page.locator("#keys").is_hidden()


# Dark and light, wide and narrow.


async def test_page_follows_the_system_until_a_theme_is_chosen(reference: Explorer, open_page: Open) -> None:
    ground = "getComputedStyle(document.querySelector('header')).backgroundColor"
    light = await (await open_page(reference, color_scheme="light")).page.evaluate(ground)
    window = await open_page(reference, color_scheme="dark")
    page = window.page
    dark = await page.evaluate(ground)
    assert dark != light
    await page.get_by_role("button", name="Use the light theme").click()
    assert await page.evaluate(ground) == light
    await page.reload()
    await page.wait_for_selector("html[data-ready]")
    assert await page.evaluate(ground) == light
    await page.get_by_role("button", name="Use the dark theme").click()
    assert await page.evaluate(ground) == dark


async def test_page_can_be_read_on_a_phone(reference: Explorer, open_page: Open) -> None:
    window = await open_page(reference, **PHONE)
    page = window.page
    assert await page.locator("#sidebar").is_hidden()
    await page.get_by_role("button", name="Tables").tap()
    await page.locator("#table-list").get_by_role("link", name="PermissionAssignment").tap()
    assert await window.panel() == "PermissionAssignment"
    panel = await page.locator("#panel").bounding_box()
    assert panel
    assert panel["width"] == 390
    for summary in await page.locator("#panel summary").all():
        await summary.click()
    for element in ("document.documentElement", "panelContent"):
        overflow = await page.evaluate(f"{element}.scrollWidth - {element}.clientWidth")
        assert overflow <= 0, f"{element} must not be wider than the screen"
    small = await page.evaluate("""[...document.querySelectorAll("header button, #close, .tools button, summary")]
        .filter((element) => element.checkVisibility())
        .filter((element) => element.getBoundingClientRect().height < 40).map((element) => element.outerHTML)""")
    assert small == [], "too small for a finger"
    await page.get_by_role("button", name="Close the details").tap()
    assert await page.locator("#panel").is_hidden()
    await page.locator('#nodes [data-table="permission_assignment"]').tap()
    assert await window.panel() == "PermissionAssignment"
    await page.get_by_role("button", name="Close the details").tap()
    assert len([box for box in await page.evaluate(BOXES) if box["right"] > 0 and box["left"] < 390]) >= 2


# Strings from the models are shown as text.


async def test_hostile_names_and_comments_are_shown_as_they_are(odd: Explorer, open_page: Open) -> None:
    window = await open_page(odd, "#/note")
    page = window.page
    assert "owned" not in await page.title()
    shown = await page.inner_text("#panel")
    assert shown.count(HOSTILE) >= 2
    assert "<b>markup</b> &" in shown
    assert "ix <img src=x onerror=alert(1)>" in shown
    assert await page.locator("#panel :is(script, img, b:not(.sql b))").count() == 0
    assert HOSTILE in await page.inner_text("#table-list")
    results = await search(page, "<img")
    assert results == ["index ix <img src=x onerror=alert(1)> Note"]


# Two hundred tables.


async def test_two_hundred_tables_are_laid_out_and_moved_smoothly(large: Explorer, open_page: Open) -> None:
    window = await open_page(large)
    page = window.page
    boxes = await page.evaluate(BOXES)
    assert len(boxes) == 200
    assert overlapping(boxes) == []
    layout = int(await page.evaluate("document.documentElement.dataset.layout"))
    assert layout < 5_000, "half a second on an idle machine"
    frames: list[float] = await page.evaluate("""async () => {
        const times = [];
        const room = diagram.getBoundingClientRect();
        for (let number = 0; number < 30; number += 1) {
            diagram.dispatchEvent(new WheelEvent("wheel", {
                deltaY: number < 15 ? -100 : 100, clientX: room.left + 500, clientY: room.top + 300,
                bubbles: true, cancelable: true,
            }));
            times.push(await new Promise(requestAnimationFrame));
        }
        return times;
    }""")
    steps = sorted(later - earlier for earlier, later in pairwise(frames))
    assert steps[len(steps) // 2] < 400, "a frame of zooming, in milliseconds, drawn without a graphics card"
    results = await search(page, "thing150")
    assert results[0] == "table Thing150"
    await page.keyboard.press("Enter")
    assert await window.panel() == "Thing150"
    assert await page.evaluate("isInView(tableByKey.get('thing150'))")


# Accessible names, contrast and structure, by axe.


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark"}, PHONE], ids=str)
async def test_axe_finds_nothing(odd: Explorer, open_page: Open, options: dict[str, Any]) -> None:
    window = await open_page(odd, reduced_motion="reduce", **options)
    page = window.page

    async def violations(state: str) -> list[str]:
        await page.wait_for_timeout(250)  # until the end of the fade-in
        results = await Axe().run(page)
        return [
            f"{state}: {each['id']}: {node['html'][:120]}: {node['failureSummary']}"
            for each in results.response["violations"]
            for node in each["nodes"]
        ]

    problems = await violations("start")
    await page.evaluate("goTo('#/note')")
    for summary in await page.locator("#panel summary").all():
        await summary.click()
    problems += await violations("a table")
    await search(page, "note")
    problems += await violations("search")
    await page.keyboard.press("Escape")
    await page.evaluate("goTo('#/overview/all')")
    problems += await violations("overview")
    await page.evaluate("keys.showModal()")
    problems += await violations("keys")
    assert problems == []
