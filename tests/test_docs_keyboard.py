"""The documentation's menus can be opened without a mouse, in a real browser."""

from pathlib import Path

import pytest

from tests.benchmarks import browser

SCRIPT = Path(__file__).parents[1] / "docs" / "static" / "keyboard.js"
PAGE = """<!doctype html><meta charset="utf-8"><title>menus</title>
<input type="checkbox" id="__navigation" hidden><input type="checkbox" id="other" hidden>
<label class="overlay" for="__navigation"></label><label id="menu" for="__navigation"><svg></svg></label><label id="words" for="other">Show</label>"""
PRESS = """(() => {
  const press = (id, key) => document.getElementById(id).dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
  const state = () => ['__navigation', 'other'].map(id => document.getElementById(id).checked);
  const seen = [state()];
  for (const [id, key] of [['menu', 'Enter'], ['words', ' '], ['menu', 'x'], ['menu', ' ']]) { press(id, key); seen.push(state()); }
  const of = (id, name) => document.getElementById(id).getAttribute(name);
  return {seen, reached: [...document.querySelectorAll('[tabindex="0"]')].map(e => e.id), names: [of('menu', 'aria-label'), of('words', 'aria-label')],
          told: [of('menu', 'aria-expanded'), of('words', 'aria-expanded')]};
})()"""


@pytest.mark.skipif(browser.find() is None, reason="no Chromium on this machine (apt install chromium)")
def test_labels_that_open_a_menu_are_reached_and_pressed_by_keys(tmp_path):
    (tmp_path / "menus.html").write_text(f"{PAGE}<script>{SCRIPT.read_text(encoding='utf-8')}</script>", encoding="utf-8")
    with browser.Browser() as chromium:
        page = chromium.open((tmp_path / "menus.html").as_uri(), 390, PRESS)
    assert page.errors == []
    assert page.result["reached"] == ["menu", "words"]  # and not what lies over the page while a menu is open
    assert page.result["seen"] == [[False, False], [True, False], [True, True], [True, True], [False, True]]
    assert page.result["names"] == ["Menu", None] and page.result["told"] == ["false", "true"]
