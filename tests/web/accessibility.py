"""What axe-core finds wrong with a page, in sentences."""

from __future__ import annotations

from playwright.sync_api import Page

_LOOK = """async () => {
  const {violations} = await axe.run(document, {resultTypes: ["violations"]});
  return violations.flatMap(({id, impact, help, nodes}) => nodes.map(
    ({target, failureSummary}) => `${impact} ${id} at ${target.flat().join(" > ")}: ${help}; ${failureSummary}`));
}"""


def faults(page: Page, axe: str) -> list[str]:
    """Look at a page as it is.

    @param axe: the script.
    """
    page.evaluate(f"() => {{ {axe} }}")
    found: list[str] = page.evaluate(_LOOK)
    return found


def faults_of_view(page: Page, axe: str) -> list[str]:
    """Look at a page that a test has made of nothing but a view: it has no heading, as views have none."""
    return [fault for fault in faults(page, axe) if " page-has-heading-one " not in fault]
