"""Help, fees, terms and privacy; the newcomer's wallet; texts of the operator's own; the brand."""

import dataclasses

import pytest

from portal.web import help_texts
from tests.support import people
from tests.support.market import open_market

PAGES = ("/help", "/help/fees", "/terms", "/privacy")


@pytest.mark.parametrize("path", PAGES)
def test_anybody_reads_them_and_every_page_leads_to_them(client, portal, path):
    open_market(portal)
    assert client.page(path).text
    assert f'href="{path}"' in client.raw.get("/").get_data(as_text=True)


def test_the_fees_are_those_of_the_rules_in_force(client, portal):
    shown = client.page("/help/fees").text
    assert "0.10%" in shown and "NT$\u00a015" in shown.replace("NT$ ", "NT$\u00a0")
    assert "30,000.00" in shown and "500,000" in shown


def test_signing_up_names_what_one_agrees_to(client):
    shown = client.raw.get("/signup").get_data(as_text=True)
    assert 'href="/terms"' in shown and 'href="/privacy"' in shown


@pytest.mark.parametrize("name", ["help", "terms", "privacy"])
@pytest.mark.parametrize("locale", ["en", "zh_Hant_TW"])
def test_a_text_has_the_operators_name_and_no_place_left_open(portal, name, locale):
    sheet = help_texts.read(portal.settings, name, locale)
    said = repr(sheet)
    assert sheet.title and sheet.parts
    assert "{" not in said.replace("{'", "")


def test_an_operators_own_text_stands_before_ours(portal, tmp_path):
    folder = tmp_path / help_texts.OWN
    folder.mkdir()
    (folder / "terms.en.txt").write_text(
        "# House rules\nOf {operator}.\n## One\nBe kind.\n- Write to {email}\n- Call {phone}\n### Why?\nBecause.\n",
        encoding="utf-8",
    )
    settings = dataclasses.replace(
        portal.settings,
        instance=tmp_path,
        operator_name="Gorge Ltd",
        support_email="us@gorge.example",
        support_phone="",
    )
    sheet = help_texts.read(settings, "terms", "en")
    assert (sheet.title, sheet.lead) == ("House rules", "Of Gorge Ltd.")
    (part,) = sheet.parts
    assert part.paragraphs == ["Be kind."] and part.items == ["Write to us@gorge.example"]
    assert part.questions[0].heading == "Why?" and part.questions[0].paragraphs == ["Because."]
    assert help_texts.read(settings, "privacy", "en").parts, "what the operator did not write is ours"


def test_the_wallet_leads_a_newcomer_to_the_identity_check_and_then_to_a_second_factor(client, portal):
    open_market(portal)
    newcomer = people.customer(portal, kyc_level=0)
    client.raw.set_cookie("token", newcomer.token)
    shown = client.page("/wallet").text
    assert "Three steps open your account" in shown and "Begin the identity check" in shown
    client.raw.set_cookie("token", people.customer(portal, kyc_level=2).token)
    assert "Your bank account is the last step" in client.page("/wallet").text
    done = people.customer(portal, twd="1234.5678")
    client.raw.set_cookie("token", done.token)
    shown = client.page("/wallet").text
    assert "Three steps" not in shown
    assert "1,234.57" in shown.replace(" .", "."), "a worth is shown to the cent"


def test_mistakes_of_a_sign_up_are_named_from_top_to_bottom(client):
    page = client.submit("/signup", "/signup", status=422)
    wanted = ("choose a user name", "enter your e-mail", "enter a password", "characters in the picture")
    places = [page.text.index(words) for words in wanted]
    assert places == sorted(places)


def test_the_brand_is_the_settings(app_with):
    visitor = app_with(BRAND_NAME="Gorge", OPERATOR_NAME="Gorge Ltd").test_client()
    assert visitor.get("/manifest.webmanifest").get_json()["name"] == "Gorge"
    shown = visitor.get("/terms", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "· Gorge</title>" in shown and "© Gorge Ltd" in shown and "Taroko" not in shown
