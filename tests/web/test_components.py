"""The macros that pages are built from."""

from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from portal.config import ROOT
from portal.web import presentation

EVIL = '"><script>alert(1)</script>'


class Person(Form):
    name = StringField("Name", [DataRequired("Please write your name."), Length(max=3, message="Too long.")])
    nick = StringField("Nickname")
    password = PasswordField("Password")
    bank = SelectField("Bank", choices=[SelectChoice("004", "Bank of Taiwan"), SelectChoice("812", "Taishin")])
    agree = BooleanField("I agree")


@pytest.fixture
def page() -> Flask:
    app = Flask("page", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    Babel(app, default_locale="en")
    presentation.register(app)
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    return app


def render(page: Flask, source: str, **facts: Any) -> str:
    imports = "".join(
        f'{{% from "components/{name}.html" import {macros} %}}'
        for name, macros in {
            "forms": "field, password_field, amount_field, select, radio_cards, checkbox, error_summary, post_button",
            "money": "money, price_move, fee_list, limits_meter",
            "status": "badge, status_badge, notice, stepper, timeline, countdown, empty",
            "data": "data_table, cell, details, pager, copy_field, qr_card, chart, tabs",
        }.items()
    )
    with page.test_request_context(), force_locale("en"):
        return page.jinja_env.from_string(imports + source).render(**facts)


def test_a_refused_field_keeps_its_input_and_names_its_error(page: Flask) -> None:
    form = Person(MultiDict({"name": "William"}))
    form.validate()
    shown = render(page, "{{ error_summary(form) }}{{ field(form.name, hint='As on your card') }}", form=form)
    assert 'value="William"' in shown
    assert '<a href="#name">Too long.</a>' in shown
    assert 'aria-describedby="name-hint name-error" aria-invalid="true"' in shown
    assert 'id="name-error"' in shown


def test_optional_fields_say_so_and_required_ones_are_marked(page: Flask) -> None:
    shown = render(page, "{{ field(form.nick) }}", form=Person())
    assert "(optional)" in shown
    assert " required" not in shown
    assert " required" in render(page, "{{ field(form.name) }}", form=Person())


def test_a_password_is_never_written_back(page: Flask) -> None:
    form = Person(MultiDict({"password": "correct horse"}))
    shown = render(page, "{{ password_field(form.password) }}{{ field(form.password, type='password') }}", form=form)
    assert "correct horse" not in shown


def test_choices_show_what_was_chosen(page: Flask) -> None:
    form = Person(MultiDict({"bank": "812", "agree": "y"}))
    shown = render(page, "{{ select(form.bank) }}{{ radio_cards(form.bank) }}{{ checkbox(form.agree) }}", form=form)
    assert '<option value="812" selected>' in shown
    assert 'value="812" checked' in shown
    assert 'value="y" checked' in shown


@pytest.mark.parametrize(
    "source",
    [
        "{{ field('x', label=evil, value=evil, error=evil, hint=evil) }}",
        "{{ amount_field('x', 'TWD', label=evil, value=evil, error=evil, max=evil) }}",
        "{{ radio_cards('x', [{'value': evil, 'label': evil, 'hint': evil, 'side': evil}], label=evil) }}",
        "{{ post_button(evil, evil, confirm=evil, fields={'a': evil}) }}",
        "{{ notice(evil, title=evil) }}{{ badge(evil) }}{{ status_badge(evil) }}{{ empty(evil, evil) }}",
        "{{ details([{'label': evil, 'value': evil}]) }}{{ copy_field(evil, evil) }}{{ qr_card(evil, evil, evil) }}",
        "{{ timeline([{'label': evil, 'note': evil}]) }}{{ stepper([evil, {'label': evil, 'state': 'bad'}], 0) }}",
        "{{ chart('c', evil, data={'x': [1], 'series': [{'label': evil, 'values': [1]}], 'unit': \"'\"}, summary=evil) }}",
        "{{ fee_list([{'label': evil, 'value': evil, 'note': evil}], {'label': evil, 'value': evil}) }}{{ money(1, 'TWD') }}",
        "{% call(row) data_table([evil], [evil], caption=evil) %}<tr>{{ cell(evil, row, evil) }}</tr>{% endcall %}",
    ],
)
def test_what_people_write_stays_text_in_every_component(page: Flask, source: str) -> None:
    shown = render(page, source, evil=EVIL)
    assert "<script>alert" not in shown
    assert "style=" not in shown


def test_a_price_that_ran_out_offers_the_new_one(page: Flask) -> None:
    source = "{% call countdown(until, now, 10, '1 USDT = 32.14 TWD') %}<button>New</button>{% endcall %}"
    held = render(page, source, until=10_000, now=4_200)
    assert "<span data-seconds>6</span>" in held
    assert 'stroke-dasharray="60 100"' in held
    assert 'class="countdown over"' in render(page, source, until=10_000, now=12_000)


def test_a_meter_never_looks_empty_once_something_is_used(page: Flask) -> None:
    source = "{{ limits_meter('Today', used, 5000000000, 'TWD') }}"
    assert '<rect width="0"' in render(page, source, used=0)
    assert '<rect width="1"' in render(page, source, used=1)
    full = render(page, source, used=6_000_000_000)
    assert '<rect width="1000"' in full
    assert "NT$\u00a00 left" in full


def test_a_price_move_is_told_by_arrow_sign_and_word(page: Flask) -> None:
    shown = render(page, "{{ price_move('-0.1147'|decimal) }}")
    assert 'class="move fall"' in shown
    assert ">down<" in shown
    assert "\u221211.47%" in shown


def test_an_empty_table_says_so_instead_of_showing_heads(page: Flask) -> None:
    source = "{% call(row) data_table([], ['Item'], empty_title='No trades yet') %}{% endcall %}"
    shown = render(page, source)
    assert "No trades yet" in shown
    assert "<table" not in shown


def test_a_pager_without_neighbours_is_not_there(page: Flask) -> None:
    assert "<nav" not in render(page, "{{ pager() }}")
    assert 'href="/wallet/history?after=9"' in render(page, "{{ pager(older='/wallet/history?after=9') }}")


def test_a_long_address_is_copied_whole_and_read_in_fours(page: Flask) -> None:
    shown = render(page, "{{ copy_field('TR2AkyGm5AABTtgMzMEXB9TcZCs5J3Dfg4', 'Address', grouped=true) }}")
    assert 'data-copy="TR2AkyGm5AABTtgMzMEXB9TcZCs5J3Dfg4"' in shown
    assert '<span class="group">Dfg4</span>' in shown
