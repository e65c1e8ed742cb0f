"""How values look on a page."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from portal.machines import MACHINES, Machine
from portal.web import brand, figures, presentation, statuses

NBSP = "\u00a0"


@pytest.fixture
def page() -> Flask:
    app = Flask("page")
    Babel(app, default_locale="en")
    presentation.register(app)
    return app


@pytest.mark.parametrize(
    ("units", "asset", "shown"),
    [
        (12340000, "TWD", "NT$ 1,234"),
        (12345000, "TWD", "NT$ 1,234.50"),
        (12345678, "TWD", "NT$ 1,234.5678"),
        (0, "TWD", "NT$ 0"),
        (-1850000, "TWD", "\u2212NT$ 185"),
        (100_000_000, "USDT", "100.00 USDT"),
        (1_000_001, "USDT", "1.000001 USDT"),
        (250_000_000, "ETH", "0.2500 ETH"),
        (12_345_678, "ETH", "0.012345678 ETH"),
        (1_200_000_000, "TWIP", "1,200 TWIP"),
        (1_250_000, "TWIP", "1.25 TWIP"),
        (1, "BTC", "0.00000001 BTC"),
        (1_500_000, "USD", "US$ 1.50"),
    ],
)
def test_money_is_grouped_and_hides_no_digit(units: int, asset: str, shown: str) -> None:
    assert presentation.money_text(units, asset) == shown.replace(" ", NBSP)


def test_money_shows_a_sign_when_asked_and_keeps_decimals_in_columns() -> None:
    assert presentation.money_text(100_000_000, "USDT", sign=True) == f"+100.00{NBSP}USDT"
    assert presentation.money_text(-100_000_000, "USDT", sign=True) == f"\u2212100.00{NBSP}USDT"
    assert presentation.money_text(0, "USDT", sign=True) == f"0.00{NBSP}USDT"
    assert presentation.money_text(32_140_000, "TWD", fixed=True) == f"NT${NBSP}3,214.00"
    assert presentation.money_text(32_140_000, "TWD", code=True) == f"3,214.00{NBSP}TWD"


def test_an_amount_for_a_field_is_plain_text_that_the_forms_accept() -> None:
    assert presentation.amount_input(967_860_000, "TWD") == "96786"
    assert presentation.amount_input(500_000, "USDT") == "0.5"
    assert presentation.amount_input(0, "TWD") == "0"


def test_prices_keep_their_decimals_or_take_a_fixed_number() -> None:
    assert presentation.price(Decimal("32.1079")) == "32.1079"
    assert presentation.price(Decimal("112625")) == "112,625.00"
    assert presentation.price(Decimal("32.145"), 2) == "32.15"


def test_ratios_become_percent_with_a_true_minus() -> None:
    assert presentation.percent(Decimal("0.0046"), sign=True) == "+0.46%"
    assert presentation.percent(Decimal("-0.11474"), sign=True) == "\u221211.47%"
    assert presentation.percent(0, sign=True) == "0.00%"


def test_times_are_shown_in_taipei() -> None:
    at = datetime(2026, 11, 20, 7, 42, 10, tzinfo=UTC)
    assert presentation.time_text(at, "short", this_year=2026) == "11/20 15:42"
    assert presentation.time_text(at, "short", this_year=2027) == "2026/11/20 15:42"
    assert presentation.time_text(at, "long") == "2026/11/20 15:42:10"
    assert presentation.time_text(at.replace(tzinfo=None), "clock") == "15:42"
    assert presentation.time_text(1795160530000, "date") == "2026/11/20"
    assert 'datetime="2026-11-20T07:42:10Z"' in presentation.local_time(at)
    assert presentation.local_time(date(1990, 1, 2)) == '<time datetime="1990-01-02">1990/01/02</time>'
    assert presentation.local_time(None) == "—"


def test_durations_use_their_largest_fitting_unit(page: Flask) -> None:
    with page.test_request_context(), force_locale("en"):
        assert presentation.duration(1) == "1 second"
        assert presentation.duration(89) == "89 seconds"
        assert presentation.duration(300) == "5 minutes"
        assert presentation.duration(7200) == "2 hours"
        assert presentation.duration(86400 * 3) == "3 days"
        assert presentation.duration(-5) == "0 seconds"


def test_personal_data_is_masked() -> None:
    assert presentation.mask_account("012345674556") == "****4556"
    assert presentation.mask_email("william@example.com") == "wi***@example.com"
    assert presentation.mask_email("bo@example.com") == "b***@example.com"
    assert presentation.mask_phone("+886912345678") == "0912***678"
    assert presentation.mask_email("nonsense") == ""
    assert presentation.mask_account(None) == ""


def test_addresses_are_shown_by_their_ends() -> None:
    address = "TR2AkyGm5AABTtgMzMEXB9TcZCs5J3Dfg4"
    assert presentation.address_short(address) == "TR2A…Dfg4"
    assert presentation.address_short("0x1f2e3d4c5b6a79880123456789abcdef01239a0b") == "0x1f2e…9a0b"
    assert presentation.groups(address)[0] == "TR2A"
    assert presentation.groups(address)[-1] == "Dfg4"
    assert "".join(presentation.groups(address)) == address


def test_file_sizes_read_easily() -> None:
    assert [presentation.file_size(n) for n in (812, 34_500, 1_849_000)] == ["812 B", "34 KB", "1.8 MB"]


def test_a_qr_code_is_svg_without_styles_and_escapes_its_label() -> None:
    svg = figures.qr_svg("https://example.com/pay/8F3K2A", 'a "code" <b>')
    assert svg.startswith('<svg class="qr" viewBox="0 0 ')
    assert "style" not in svg
    assert "<b>" not in svg
    assert "&lt;b&gt;" in svg


def test_a_qr_code_has_its_white_border() -> None:
    first = figures.qr_svg("x").split('<path d="M')[1]
    assert first.startswith(f"{figures.QUIET_ZONE} {figures.QUIET_ZONE}h7v1h-7z")


def test_a_sparkline_knows_where_the_price_went() -> None:
    assert "spark rise" in figures.sparkline([Decimal("1.5"), Decimal("2")])
    assert "spark fall" in figures.sparkline([3, 2])
    assert figures.sparkline([1]) == ""


@pytest.mark.parametrize("machine", MACHINES.values(), ids=lambda machine: machine.name)
def test_every_state_of_every_life_cycle_has_its_word_and_tone(machine: Machine) -> None:
    assert [state for state in machine.transitions if not statuses.known(state)] == []


def test_an_unknown_status_is_shown_as_it_is(page: Flask) -> None:
    with page.test_request_context(), force_locale("en"):
        assert statuses.label("awaiting_email") == "Awaiting e-mail confirmation"
        assert statuses.label("odd_word") == "Odd word"
    assert statuses.tone("COMPLETED") == "done"
    assert statuses.tone("odd_word") == "off"


@pytest.mark.parametrize("colour", ["#ffe066", "#001a66", "#d4145a", "#808080", "#ffffff", "#000000"])
def test_any_company_colour_stays_readable_in_light_and_dark(colour: str) -> None:
    light, dark = str(brand.tokens(colour)).split("@media")
    assert brand.contrast(_token(light, "jade"), "#faf9f6") >= 4.5
    assert brand.contrast(_token(light, "jade"), _token(light, "jade-ink")) >= 4.5
    assert brand.contrast(_token(light, "jade"), _token(light, "jade-wash")) >= 4.5
    assert brand.contrast(_token(dark, "jade"), "#161e1c") >= 4.5
    assert brand.contrast(_token(dark, "jade"), _token(dark, "jade-ink")) >= 4.5
    assert brand.contrast(_token(dark, "jade"), _token(dark, "jade-wash")) >= 4.5


@pytest.mark.parametrize("text", ["red", "#fff", "#12345g", "#123456;}body{display:none", "#123456\n", None])
def test_only_a_plain_colour_reaches_the_style_sheet(text: str | None) -> None:
    assert brand.tokens(text) == ""


def test_a_field_takes_its_state_from_a_plain_name() -> None:
    state = presentation.field_state("phone", label="Phone", value="0912", error=["No."], hint="Ten digits")
    assert (state.id, state.name, state.value, state.error) == ("phone", "phone", "0912", "No.")
    assert state.described_by == "phone-hint phone-error"
    assert state.required


def test_an_error_summary_takes_forms_mappings_and_pairs() -> None:
    assert presentation.error_list({"phone": ["No."], "ok": []}) == [("phone", "No.")]
    assert presentation.error_list([("", "All wrong")]) == [("", "All wrong")]
    assert presentation.error_list(None) == []


def test_markup_in_a_customers_text_stays_text(page: Flask) -> None:
    page.jinja_loader = None
    with page.test_request_context():
        shown = page.jinja_env.from_string("{{ icon(name) }}{{ name }}").render(name='"><script>alert(1)</script>')
    assert "<script>" not in shown


def test_appearance_believes_only_known_cookie_values(page: Flask) -> None:
    with page.test_request_context(headers={"Cookie": "theme=dark; price_colours=western"}):
        assert presentation.appearance() == {"theme": "dark", "price_colours": "western"}
    with page.test_request_context(headers={"Cookie": 'theme=x"onload; price_colours=blue'}):
        assert presentation.appearance() == {"theme": "", "price_colours": ""}


def test_static_files_are_asked_for_by_their_contents(page: Flask) -> None:
    with page.test_request_context():
        address = page.url_for("static", filename="portal.css")
    assert "?v=" in address


def _token(rules: str, name: str) -> str:
    return rules.split(f"--{name}:")[1][:7]
