"""What a report does in a browser: asks nobody, sorts, saves, and does without script."""

from __future__ import annotations

import json
import time

import pytest

from studies.comparison import report_cases

pytestmark = pytest.mark.browser

NARROW = 400


def requested(browser):
    """The addresses that pages have asked for since the last look."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    # The browser's own start page may still be loading.
    return [request["request"]["url"] for request in sent if not request["documentURL"].startswith("chrome:")]


@pytest.mark.parametrize("name", ["pictures", "structured", "hostile names", "many arms"])
def test_nothing_is_requested_but_the_file(look, pages, name):
    """The page loads itself and data: links, and the browser has nothing to complain about."""
    browser = look(name)
    urls = requested(browser)
    assert pages[name] in urls
    assert [url for url in urls if url != pages[name] and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []


def test_the_page_is_complete_without_script(look):
    """With JavaScript off, verdict, plots, tables and files are there, and no dead button is."""
    browser = look("pictures", script=False)
    document = browser.execute_cdp_cmd("DOM.getDocument", {"depth": -1})["root"]

    def nodes(node):
        yield node
        for child in node.get("children", []):
            yield from nodes(child)

    names = [node["nodeName"].lower() for node in nodes(document)]
    assert "button" not in names
    assert names.count("tr") > 30
    assert names.count("svg") > 4
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "bits" in browser.find_element("class name", "headline").text
    assert browser.find_element("css selector", "#arms tbody tr").is_displayed()


def test_a_click_sorts_the_arms_of_each_rate_and_says_so(look):
    """A heading's button sorts by the exact values within each rate, a second click turns the order round."""
    browser = look("many arms")
    button = browser.find_elements("css selector", "#arms thead button")[2]

    def column():
        return browser.execute_script(
            "return [...document.querySelectorAll('#arms tbody')].map(body => "
            "[...body.querySelectorAll('td:nth-of-type(2)')].map(cell => Number(cell.dataset.value)))"
        )

    def rates():
        return [row.text.split("\n")[0] for row in browser.find_elements("css selector", "#arms tbody tr:first-child")]

    before, expected = rates(), [sorted(values, reverse=True) for values in column()]
    assert len(expected) == 3
    button.click()
    assert column() == [values[::-1] for values in expected]
    assert browser.find_element("css selector", "[aria-sort=ascending]").text.startswith("held out")
    button.click()
    assert column() == expected
    assert rates() == before


def test_alphabets_sort_as_numbers_and_missing_recall_comes_last(look):
    """2 × 4 comes before 16, and an arm without the number after all that have it."""
    browser = look("many arms")
    buttons = browser.find_elements("css selector", "#arms thead button")
    last = (
        "return [...document.querySelectorAll('#arms tbody:nth-of-type(2) tr:not(.rate)')].map(r => r.cells[%d].textContent)"
    )
    buttons[1].click()
    sizes = browser.execute_script(last % 1)
    assert sizes == sorted(sizes, key=lambda text: int(text.split("\N{NO-BREAK SPACE}")[0]))
    place = [button.get_attribute("aria-label") for button in buttons].index("Sort by recall@1")
    buttons[place].click()
    shown = browser.execute_script(last % place)
    assert shown[-5:] == ["–"] * 5
    assert "–" not in shown[:-5]


def test_the_keyboard_reaches_everything(look):
    """Tab comes to the skip link first, then to links, sort buttons, and the boxes that scroll."""
    from selenium.webdriver import ActionChains, Keys

    browser = look("pictures", NARROW)
    reached = []
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(browser.execute_script("const e = document.activeElement; return e.className || e.tagName"))
    assert reached[0] == "skip"
    assert {"A", "BUTTON", "scroll", "SUMMARY"} <= set(reached)


def test_a_file_inside_the_page_can_be_saved(look, tmp_path):
    """A click on a link saves the table of arms under its name, to the byte."""
    browser = look("pictures")
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.find_element("css selector", "a[download='digits-arms.csv']").click()
    deadline = time.monotonic() + 10
    while not (tmp_path / "digits-arms.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = (tmp_path / "digits-arms.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(report_cases.digits().arms)
    assert f",{report_cases.digits().arms[0].distortion!r}," in lines[1]


def test_the_policy_stops_a_foreign_script(look):
    """A script that slips into the page all the same does not run."""
    browser = look("pictures")
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.slipped = 1'; document.body.append(s)"
    )
    assert browser.execute_script("return window.slipped") is None
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"]
