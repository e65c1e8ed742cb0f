"""The style guide holds every component: sound in every dress, useful without scripts, and its small behaviours work."""

import pytest

from tests.support.browser import Browse

GUIDE = "/sandbox/style"


@pytest.mark.parametrize("language", ["zh_Hant_TW", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_every_component_is_accessible_and_fits(browse: Browse, device: str, scheme: str, language: str) -> None:
    visitor = browse(device, scheme=scheme)
    visitor.page.goto(f"/language/{language}?next={GUIDE}")
    assert visitor.page.locator("html").get_attribute("lang") == language.replace("_", "-")
    visitor.axe()
    visitor.fits()


def test_without_scripts_the_charts_menus_and_new_prices_are_there(browse: Browse) -> None:
    page = browse("phone", javascript=False).go(GUIDE)
    assert page.locator(".chart svg path.line").is_visible()
    assert page.locator(".countdown").first.get_by_role("button").is_visible()
    assert not page.locator("[data-copy]").first.is_visible()
    page.locator(".menu summary").first.click()
    assert page.get_by_role("link", name="English").is_visible()


def test_nothing_on_the_guide_needs_an_inline_style(browse: Browse) -> None:
    page = browse("desktop", javascript=False).go(GUIDE)
    assert page.locator("[style]").count() == 0


def test_an_amount_is_grouped_for_the_eye_and_plain_for_the_server(browse: Browse) -> None:
    page = browse("phone").go(GUIDE)
    field = page.locator("#pay")
    field.fill("")
    field.press_sequentially("1234567.5")
    assert field.input_value() == "1,234,567.5"
    assert field.evaluate("input => new FormData(input.form).get('pay')") == "1234567.5"
    field.fill("12ab")
    assert field.input_value() == "12ab"


def test_the_greatest_amount_is_one_tap_away(browse: Browse) -> None:
    page = browse("phone").go(GUIDE)
    page.locator('[data-fill="pay"]').click()
    assert page.locator("#pay").input_value() == "96,786"


def test_a_held_price_runs_out_and_offers_the_new_one(browse: Browse) -> None:
    page = browse("phone").go(GUIDE)
    held = page.locator(".countdown").first
    held.evaluate("box => box.dataset.countdownUntil = box.dataset.serverNow")
    held.get_by_role("button").wait_for()
    assert "over" in (held.get_attribute("class") or "").split()


def test_a_dangerous_act_asks_first_and_no_means_no(browse: Browse) -> None:
    page = browse("phone").go(GUIDE)
    page.locator("form[data-confirm] button").click()
    dialog = page.locator("#confirm")
    assert dialog.is_visible()
    dialog.locator('[value="no"]').click()
    assert not dialog.is_visible()
    assert page.url.endswith(GUIDE)


def test_the_chosen_theme_is_there_before_the_page_is_drawn(browse: Browse) -> None:
    visitor = browse("desktop")
    page = visitor.go(GUIDE)
    page.locator(".menu summary").first.click()
    page.locator('[data-theme-choice="dark"]').click()
    page.locator('[data-price-choice="western"]').click()
    answer = visitor.context.request.get(page.url)
    assert '<html lang="zh-Hant-TW" data-theme="dark" data-price-colours="western">' in answer.text()


def test_a_file_is_shown_before_it_is_sent(browse: Browse) -> None:
    page = browse("phone").go(GUIDE)
    page.locator(".upload-preview").first.wait_for(state="attached")
    page.locator("#front").set_input_files({"name": "card.png", "mimeType": "image/png", "buffer": b"\x89PNG not much"})
    page.get_by_text("card.png · 1 KB").wait_for()


def test_the_chart_is_drawn_by_the_script_when_there_is_one(browse: Browse) -> None:
    page = browse("desktop").go(GUIDE)
    page.locator(".chart canvas").wait_for()
