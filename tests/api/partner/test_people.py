"""People of an institution: handed in once, decided by the bank, found again page by page."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from portal.models.files import StoredFile
from portal.models.partner import PartnerKyc
from portal.sandbox import play_cards
from portal.services import partner_kyc
from tests.support.outside import code_for
from tests.support.partners import kyc_body, partner, picture

ACCOUNTS = "/customers/accounts"


def status(p, acct_no: str) -> tuple[int, str]:
    record = p.ok("GET", ACCOUNTS, query={"acct_no": acct_no})["records"][0]
    return record["status"], record["reason"]


def decide(p, acct_no: str, decision: str, reason: str = "") -> None:
    found = p.portal.db.read(partner_kyc.newest, acct_no, "50000001", p.id)
    with p.app.app_context():
        play_cards.decide(p.portal, found.id, decision, reason)


def test_the_way_of_a_check(app) -> None:
    p = partner(app)
    assert p.ok("POST", ACCOUNTS, kyc_body(acct_no="u1")) is True
    assert status(p, "u1") == (0, "")
    p.work()
    assert status(p, "u1") == (3, "")
    p.refused(111004, "POST", ACCOUNTS, kyc_body(acct_no="u1"))
    decide(p, "u1", "reject", "The back is blurred.")
    assert status(p, "u1") == (2, "The back is blurred.")
    assert p.ok("POST", ACCOUNTS, kyc_body(acct_no="u1")) is True
    assert status(p, "u1") == (0, "")
    decide(p, "u1", "approve")
    assert status(p, "u1") == (1, "")
    p.refused(111004, "POST", ACCOUNTS, kyc_body(acct_no="u1"))
    assert p.ok("GET", ACCOUNTS)["total"] == 1


def test_one_person_may_apply_for_each_kind_of_card(app) -> None:
    p = partner(app)
    same = {"acct_no": "u1", "mail": "one@example.net", "mobile": "912345678"}
    assert p.ok("POST", ACCOUNTS, kyc_body(**same))
    assert p.ok("POST", ACCOUNTS, kyc_body(**same, card_type_id="50000002"))
    assert p.ok("GET", ACCOUNTS, query={"acct_no": "u1"})["total"] == 2


def test_personal_data_is_sealed_and_pictures_are_stored(app) -> None:
    p = partner(app)
    p.ok("POST", ACCOUNTS, kyc_body(acct_no="u1", last_name="Unmistakable", poa_doc=picture("JPEG")))

    def look(session):
        row = session.query(PartnerKyc).one()
        return row.details_sealed, partner_kyc.details(session, row), row.files, session.query(StoredFile).all()

    sealed, details, kept, stored = p.portal.db.read(look)
    assert b"Unmistakable" not in sealed and details["last_name"] == "Unmistakable"
    assert sorted(kept) == ["back_doc", "front_doc", "mix_doc", "poa_doc"]
    assert {(row.owner_kind, row.owner_id, row.state) for row in stored} == {("institution", p.id, "registered")}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("acct_no", None, 111001), ("acct_no", "", 111001), ("acct_no", "x" * 65, 111001), ("acct_name", "x" * 65, 111001),
        ("first_name", "x" * 51, 111001), ("last_name", "  ", 111001), ("gender", "other", 111001),
        ("birthday", None, 111033), ("birthday", "", 111033), ("birthday", "1990/01/01", 111001),
        ("birthday", "1990-02-30", 111001), ("birthday", "2999-01-01", 111001), ("birthday", "1899-12-31", 111001),
        ("city", "x" * 101, 111001), ("state", None, 111001), ("country", "x" * 51, 111001),
        ("nationality", "x" * 256, 111001), ("doc_no", "x" * 129, 111001), ("doc_type", "licence", 111001),
        ("front_doc", None, 111001), ("front_doc", "", 111001), ("front_doc", "not base64", 111034),
        ("back_doc", base64.b64encode(b"<svg/>").decode(), 111034), ("mix_doc", "AAAA", 111034),
        ("poa_doc", base64.b64encode(b"%PDF-1.4").decode(), 111034), ("country_code", "+88666", 111001),
        ("country_code", "abc", 111001), ("mobile", "12", 111001), ("mobile", "９１２３４５６７８", 111001),
        ("mobile", "1" * 33, 111001), ("mail", "nobody", 111024), ("mail", f"{'x' * 60}@example.net", 111001),
        ("mail", "me@163.com", 111027), ("mail", "me@VIP.163.com", 111027), ("mail", "me@１６３.com", 111027),
        ("address", "x" * 257, 111001), ("zipcode", "x" * 21, 111001), ("maiden_name", "x" * 256, 111001),
        ("card_type_id", "99999999", 111016), ("kyc_info", "x" * 4001, 111001), ("cust_tx_id", "", 111001),
        ("unknown_field", "x", 111001), ("remark&mail=", "x", 111001),
    ],
)  # fmt: skip
def test_every_parameter_is_checked(sqlite_app, field, value, code) -> None:
    p = partner(sqlite_app)
    p.refused(code, "POST", ACCOUNTS, kyc_body(**{field: value}))
    assert p.ok("GET", ACCOUNTS)["total"] == 0


def test_the_longest_texts_are_taken(sqlite_app) -> None:
    p = partner(sqlite_app)
    longest = {
        "acct_no": "x" * 64, "acct_name": "x" * 64, "first_name": "x" * 50, "last_name": "王" * 50, "city": "x" * 100,
        "state": "x" * 100, "country": "x" * 50, "nationality": "x" * 255, "doc_no": "x" * 128, "gender": "unknown",
        "address": "x" * 256, "zipcode": "x" * 20, "maiden_name": "x" * 255, "kyc_info": "x" * 4000,
    }  # fmt: skip
    assert p.ok("POST", ACCOUNTS, kyc_body(**longest))


def test_a_picture_under_two_megabytes_and_one_byte_more(sqlite_app) -> None:
    p = partner(sqlite_app)
    made = BytesIO()
    Image.new("RGB", (30, 30)).save(made, "JPEG")
    padded = made.getvalue() + b"\x00" * (2 * 1024 * 1024 - 1 - len(made.getvalue()))
    assert p.ok("POST", ACCOUNTS, kyc_body(front_doc=base64.b64encode(padded).decode()))
    p.refused(111034, "POST", ACCOUNTS, kyc_body(front_doc=base64.b64encode(padded + b"\x00").decode()))


def test_kinds_of_cards_that_the_institution_may_not_open(app) -> None:
    p = partner(app, types=("50000001",))
    p.refused(111021, "POST", ACCOUNTS, kyc_body(card_type_id="50000002"))


def test_mail_and_mobile_are_unique_within_institution_and_kind_of_card(app) -> None:
    p, q = partner(app), partner(app)
    assert p.ok("POST", ACCOUNTS, kyc_body(mail="one@example.net", mobile="912345678"))
    p.refused(111026, "POST", ACCOUNTS, kyc_body(mail="ONE@example.net"))
    p.refused(111028, "POST", ACCOUNTS, kyc_body(mobile="0912 345-678"))
    assert p.ok("POST", ACCOUNTS, kyc_body(mail="one@example.net", mobile="912345678", card_type_id="50000002"))
    assert q.ok("POST", ACCOUNTS, kyc_body(mail="one@example.net", mobile="912345678"))


def test_a_serial_number_serves_once(app) -> None:
    p, q = partner(app), partner(app)
    body = kyc_body(cust_tx_id="serial 1")
    assert p.ok("POST", ACCOUNTS, body) is True
    assert p.ok("POST", ACCOUNTS, body) is True
    p.refused(111001, "POST", ACCOUNTS, {**body, "city": "Tainan"})
    p.refused(111001, "POST", ACCOUNTS, kyc_body(cust_tx_id="serial 1"))
    assert q.ok("POST", ACCOUNTS, kyc_body(cust_tx_id="serial 1"))
    assert p.ok("GET", ACCOUNTS)["total"] == 1


def test_an_idempotency_key_serves_once(app) -> None:
    p = partner(app)
    body = kyc_body()
    key = {"Idempotency-Key": "k1"}
    assert p.ok("POST", ACCOUNTS, body, headers=key) is True
    assert p.client.last.headers.get("Idempotency-Replayed") is None
    p.refused(111004, "POST", ACCOUNTS, body)


def test_a_mail_code_proves_the_address_once(app) -> None:
    p = partner(app)
    token = p.ok("POST", "/emails/a.b%40example.net/verification-codes")["mail_token"]
    p.work()
    code = code_for(p.portal, "a.b@example.net")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    checks = "/emails/a.b%40example.net/verification-codes"
    p.refused(111025, "PUT", checks, query={"code": wrong, "mail_token": token})
    p.refused(111025, "PUT", checks, query={"code": code, "mail_token": "another"})
    p.refused(
        111025, "PUT", "/emails/other%40example.net/verification-codes", query={"code": code, "mail_token": token}
    )
    assert p.ok("PUT", checks, query={"code": code, "mail_token": token}) is True
    p.refused(111025, "PUT", checks, query={"code": code, "mail_token": token})
    proof = {"mail": "a.b@example.net", "mail_verification_code": code, "mail_token": token}
    p.refused(111025, "POST", ACCOUNTS, kyc_body(**{**proof, "mail": "c@example.net"}))
    p.refused(111025, "POST", ACCOUNTS, kyc_body(**{**proof, "mail_verification_code": wrong}))
    assert p.ok("POST", ACCOUNTS, kyc_body(**proof))
    p.refused(111025, "POST", ACCOUNTS, kyc_body(**proof, card_type_id="50000002"))


def test_an_unchecked_code_serves_in_the_kyc_call(app) -> None:
    p = partner(app)
    token = p.ok("POST", "/emails/a@example.net/verification-codes")["mail_token"]
    p.work()
    proof = {
        "mail": "a@example.net",
        "mail_verification_code": code_for(p.portal, "a@example.net"),
        "mail_token": token,
    }
    p.refused(111025, "POST", ACCOUNTS, kyc_body(mail="a@example.net", mail_token=token))
    assert p.ok("POST", ACCOUNTS, kyc_body(**proof))


def test_mail_codes_end_and_are_not_sent_without_measure(app, travel) -> None:
    p = partner(app)
    path = "/emails/a@example.net/verification-codes"
    token = p.ok("POST", path)["mail_token"]
    p.work()
    p.refused(119005, "POST", path)
    code = code_for(p.portal, "a@example.net")
    travel(301)
    p.refused(111025, "PUT", path, query={"code": code, "mail_token": token})
    p.refused(111024, "POST", "/emails/nobody/verification-codes")
    p.refused(111027, "POST", "/emails/me@163.com/verification-codes")


def test_five_wrong_codes_end_it(app) -> None:
    p = partner(app)
    path = "/emails/a@example.net/verification-codes"
    token = p.ok("POST", path)["mail_token"]
    p.work()
    code = code_for(p.portal, "a@example.net")
    for number in range(1, 6):
        wrong = f"{(int(code) + number) % 10**6:06d}"
        p.refused(111025, "PUT", path, query={"code": wrong, "mail_token": token})
    p.refused(111025, "PUT", path, query={"code": code, "mail_token": token})


def test_mobile_codes_are_not_supported_yet(app) -> None:
    p = partner(app)
    p.refused(119006, "POST", "/mobiles/%2B886912345678/verification-codes")
    p.refused(119006, "PUT", "/mobiles/%2B886912345678/verification-codes", query={"code": "1", "mobile_token": "2"})


def test_a_person_without_a_check(app) -> None:
    p = partner(app)
    p.refused(111005, "GET", ACCOUNTS, query={"acct_no": "nobody"})


def test_lists_by_page_order_and_time(app, travel) -> None:
    p = partner(app)
    moments = []
    for number in range(5):
        moments.append(int(p.portal.clock.now().timestamp()))
        p.ok("POST", ACCOUNTS, kyc_body(acct_no=f"p{number}"))
        travel(3600)

    def named(**query) -> tuple[int, list[str]]:
        said = p.ok("GET", ACCOUNTS, query=query)
        return said["total"], [record["acct_no"] for record in said["records"]]

    assert named() == (5, ["p4", "p3", "p2", "p1", "p0"])
    assert named(time_sort="asc", page_size="2") == (5, ["p0", "p1"])
    assert named(time_sort="asc", page_size="2", page_num="3") == (5, ["p4"])
    assert named(page_size="2", page_num="2") == (5, ["p2", "p1"])
    assert named(page_num="9") == (5, [])
    assert named(former_time=str(moments[1]), latter_time=str(moments[3] + 1)) == (3, ["p3", "p2", "p1"])
    assert named(latter_time=str(moments[1] - 10)) == (1, ["p0"])
    assert named(former_time=str(moments[4] + 4000)) == (0, [])
    assert named(acct_no="p2", former_time=str(moments[4] + 1)) == (0, [])
    record = p.ok("GET", ACCOUNTS, query={"acct_no": "p0"})["records"][0]
    assert 0 <= record["create_time"] // 1000 - moments[0] <= 5


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page_num": "0"}, 111001), ({"page_num": "x"}, 111001), ({"page_size": "101"}, 111001), ({"page_size": "-1"}, 111001),
        ({"time_sort": "up"}, 111001), ({"former_time": "yesterday"}, 111036), ({"latter_time": "1700000000000"}, 111036),
        ({"former_time": "1.5"}, 111036), ({"former_time": "1700000000", "latter_time": "1702678401"}, 111035),
        ({"former_time": "1700000001", "latter_time": "1700000000"}, 111036), ({"page": "1"}, 111001),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [ACCOUNTS, "/debit-cards", "/deposit-transactions"])
def test_list_parameters_are_checked(sqlite_app, path, query, code) -> None:
    partner(sqlite_app).refused(code, "GET", path, query=query)


def test_a_span_of_thirty_one_days_is_a_month(sqlite_app) -> None:
    p = partner(sqlite_app)
    assert p.ok("GET", ACCOUNTS, query={"former_time": "1700000000", "latter_time": "1702678400"})["total"] == 0
