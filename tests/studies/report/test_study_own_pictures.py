"""Pictures that a study draws itself: where they stand in its report, and what becomes of those that are too heavy."""

from dataclasses import replace

from studies.comparison.html_reader import read
from studies.report.study_cases import ABOUT, CASES
from zador.studies import report
from zador.studies.design import Picture, no_pictures

LIGHT = '<svg class="plot" viewBox="0 0 400 10" role="img" aria-label="A line that goes across."><path d="M0 5h400"/></svg>'


def light(_evidence):
    """One picture, with a title and a caption that are text."""
    return (Picture("Lines & <ways>", LIGHT, "From left < to right."),)


def heavy(_evidence):
    """A picture that would fill the page, and one that would not."""
    return (Picture("Too much", LIGHT.replace("h400", "h400" * 200_000), ""), *light(_evidence))


def page_of(pictures):
    evidence = CASES["broken"]()
    changed = replace(evidence, design=replace(evidence.design, pictures=pictures))
    return report.render_html(changed, verdicts=(), provenance=ABOUT)


def test_own_pictures_come_first_among_pictures():
    """Title, drawing and caption stand in the section of pictures, words escaped, and a link leads there."""
    page = read(page_of(light))
    section = page.one(id="pictures")
    assert next(heading.text for heading in section.all("h3")) == "Lines & <ways>"
    assert section.one("figcaption").text == "From left < to right."
    assert LIGHT in page_of(light)
    assert any(link.attributes.get("href") == "#pictures" for link in page.one("nav").all("a"))


def test_a_picture_that_is_too_heavy_is_named_instead():
    """The page stays light, says what it left out, and still has the next one."""
    text = page_of(heavy)
    assert len(text.encode()) < 2_000_000
    assert "to keep this page light: Too much" in text
    assert LIGHT in text


def test_a_study_draws_nothing_unless_it_says_so():
    """The default is no picture, and a page without any figure of its own."""
    evidence = CASES["broken"]()
    assert evidence.design.pictures is no_pictures
    assert no_pictures(evidence) == ()
    assert 'class="own"' not in report.render_html(evidence, verdicts=(), provenance=ABOUT)
