"""The page of a study in a browser: it asks nobody, complains of nothing, and reads on a narrow screen."""

from __future__ import annotations

import pytest

from studies.comparison.test_report_browser import requested
from studies.comparison.test_report_looks import CONTRAST

pytestmark = pytest.mark.browser

WIDE, NARROW = 1280, 400


@pytest.mark.parametrize("name", ["stress", "hostile names", "broken", "index"])
def test_nothing_of_a_study_is_requested_but_the_file(look, study_pages, name):
    """The page loads itself and data: links, and the browser has nothing to complain about."""
    browser = look(name)
    urls = requested(browser)
    assert study_pages[name] in urls
    assert [url for url in urls if url != study_pages[name] and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", ["stress", "sizes", "hostile names", "broken", "long names", "index"])
def test_the_page_of_a_study_does_not_scroll_sideways(look, name, width):
    """Nothing is wider than the screen; what is wide scrolls in its own box."""
    browser = look(name, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width


def test_the_name_of_an_arm_stays_when_its_table_scrolls(look):
    """On a narrow screen whoever reads the last column sees whose numbers they are, in every table."""
    browser = look("stress", NARROW)
    places = browser.execute_script(
        """
        return [...document.querySelectorAll(".scroll:has(table)")].map((box) => {
          box.scrollLeft = 1e6;
          const left = box.getBoundingClientRect().left;
          return [box.scrollWidth > box.clientWidth,
                  ...[...box.querySelectorAll("tbody th.name")].map((e) => e.getBoundingClientRect().left - left)];
        });
        """
    )
    assert len(places) == 6
    assert all(wide for wide, *_ in places)
    assert all(0 <= place < 12 for _, *names in places for place in names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["stress", "index"])
def test_every_text_of_a_study_has_contrast(look, name, scheme):
    """Every text, in pictures and verdicts too, stands out from its ground by 4.5 : 1 at least, by day and by night."""
    seen, poor = look(name, scheme=scheme).execute_script(CONTRAST)
    assert seen > 50
    assert poor == []


@pytest.mark.parametrize("name", ["stress", "sizes", "long names"])
def test_labels_of_a_study_do_not_cover_each_other(look, name):
    """In no picture do two texts overlap."""
    clashes = look(name).execute_script(
        """
        const clashes = [];
        for (const plot of document.querySelectorAll("svg.plot")) {
          const texts = [...plot.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
          texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {
            const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
            const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (across > 1 && down > 4) clashes.push([plot.getAttribute("aria-label").slice(0, 30), a, b, across, down]);
          }));
        }
        return clashes;
        """
    )
    assert clashes == []


def test_a_click_sorts_the_arms_of_each_setting(look):
    """A heading's button sorts within each setting by the exact values."""
    browser = look("stress")
    script = (
        "return [...document.querySelectorAll('#numbers tbody')].map(body => "
        "[...body.querySelectorAll('td:nth-of-type(1)')].map(cell => Number(cell.dataset.value.replace('inf', 'Infinity'))))"
    )
    before = browser.execute_script(script)
    browser.find_elements("css selector", "#numbers thead button")[1].click()
    after = browser.execute_script(script)
    assert len(after) == 8
    numbers = [[float("inf") if value is None else value for value in values] for values in before]
    assert [[float("inf") if v is None else v for v in values] for values in after] == [sorted(values) for values in numbers]
