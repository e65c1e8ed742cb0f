"""Vouchers on their way out and in: to a TRON address, redeemed to the bank, and from the chain."""

import pytest

from portal.money import parse_units
from tests.support import contract, people
from tests.support.market import address, mine, send
from tests.support.outside import let_blocks_go_by, messages
from tests.support.vouchers import own_account, work, wrong

OUTSIDE = "TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj"


def withdraw(person, **changes):
    return {
        "recipient_address": OUTSIDE, "fund_password": person.password, "currency": "twip", "amount": 100, **changes,
    }  # fmt: skip


def redeem(person, **changes):
    return {"fund_password": person.password, "currency": "twip", "amount": 100, **changes}


BODIES = {"withdrawals": withdraw, "redemptions": redeem}
AREA = {"withdrawals": "withdrawal", "redemptions": "redeem"}
IDS = {"withdrawals": "withdrawal", "redemptions": "redemption"}


def differences(said, endpoint_id):
    return contract.differences(said, contract.example("voucher", endpoint_id))


def test_vouchers_leave_for_a_tron_address(app, as_customer, code, portal, amy):
    client = as_customer(amy)
    made = client.ok("POST", "/withdrawals", withdraw(amy))["data"]
    assert differences(made, "create_withdrawal") == []
    assert (made["amount"], made["fee"], made["status"], made["is_external"]) == (100, 0, "created", True)
    assert amy.balance("TWIP", "frozen") == 0
    done = client.ok("POST", "/withdrawals/verify", {"otp": code(amy)})["data"]
    assert differences(done, "verify_withdrawal") == []
    assert (done["id"], done["amount"], done["fee"], done["status"], done["is_external"]) == (
        made["id"], "100.0000000000", "0.0000", "confirming", 1,
    )  # fmt: skip
    assert (amy.balance("TWIP"), amy.balance("TWIP", "frozen")) == (
        parse_units("900", "TWIP"),
        parse_units("100", "TWIP"),
    )
    work(app)
    let_blocks_go_by(portal, "TRON")
    work(app)
    sent = client.ok("GET", f"/withdrawals/{made['id']}")["data"]
    assert sent["status"] == "confirmed" and sent["confirmed_at"].endswith(".000000Z")
    assert sent["transaction_hash"] in sent["transaction_url"]
    assert amy.balance("TWIP", "frozen") == 0


def test_an_address_of_the_portals_own_is_settled_at_once(as_customer, code, portal, amy, ben):
    client = as_customer(amy)
    made = client.ok("POST", "/withdrawals", withdraw(amy, recipient_address=address(portal, ben)))["data"]
    assert made["is_external"] is False
    done = client.ok("POST", "/withdrawals/verify", {"otp": code(amy)})["data"]
    assert (done["status"], done["is_external"], done["transaction_hash"]) == ("confirmed", 0, None)
    assert ben.balance("TWIP") == parse_units("600", "TWIP")
    [arrived] = as_customer(ben).ok("GET", "/deposits")["data"]
    assert (arrived["amount"], arrived["status"]) == ("100.0000000000", "confirmed")


def test_vouchers_are_redeemed_to_the_verified_account(app, as_customer, code, portal, amy):
    client = as_customer(amy)
    made = client.ok("POST", "/redemptions", redeem(amy))["data"]
    assert differences(made, "create_redemption") == []
    assert (made["recipient_address"], made["amount"], made["fee"], made["currency"]) == ("-", 100, 0, "twd")
    done = client.ok("POST", "/redemptions/verify", {"otp": code(amy)})["data"]
    assert differences(done, "verify_redemption") == []
    assert (done["recipient_address"], done["amount"], done["fee"], done["status"]) == (
        f"809-{own_account(amy)}", "100", "0", "confirming",
    )  # fmt: skip
    work(app)
    work(app)
    assert client.ok("GET", f"/redemptions/{made['id']}")["data"]["status"] == "confirmed"
    [listed] = client.ok("GET", "/redemptions")["data"]
    assert differences([listed], "list_redemptions") == [] and listed["fee"] == "0.0000"
    [paid] = portal.world.rows("SELECT account, units FROM payouts")
    assert (paid["account"], paid["units"]) == (own_account(amy), parse_units("100", "TWD"))


def test_who_repeats_a_verify_after_the_network_refused_it_is_told_so(app, as_customer, code, portal, travel, amy, ben):
    client = as_customer(amy)
    made = client.ok("POST", "/withdrawals", withdraw(amy))["data"]
    otp = code(amy)
    portal.world.set_fault("chain", "reject", 1)
    assert client.ok("POST", "/withdrawals/verify", {"otp": otp})["data"]["status"] == "confirming"
    work(app)
    # Until the bytes have expired a copy of them may still land: nobody says that it failed.
    client.refused("withdrawal_invalid_status", "POST", "/withdrawals/verify", {"otp": otp})
    travel(700)
    work(app)
    assert client.ok("GET", f"/withdrawals/{made['id']}")["data"]["status"] == "failed"
    # 502 is the answer that is meant here: `client` takes no answer above 499 for one.
    headers = {"Authorization": f"Bearer {client.token}"}
    told = client.raw.post("/api/v1/withdrawals/verify", json={"otp": otp}, headers=headers)
    [documented] = [one for one in contract.endpoint("voucher", "verify_withdrawal")["examples"] if one["code"]]
    assert (told.status_code, told.json) == (502, documented["body"])
    assert (amy.balance("TWIP"), amy.balance("TWIP", "frozen")) == (parse_units("1000", "TWIP"), 0)
    as_customer(ben).refused("withdrawal_invalid_status", "POST", "/withdrawals/verify", {"otp": otp})
    client.refused("redeem_invalid_status", "POST", "/redemptions/verify", {"otp": otp})
    client.refused("withdrawal_invalid_status", "POST", "/withdrawals/resend")
    again = client.ok("POST", "/withdrawals", withdraw(amy))["data"]
    assert client.ok("POST", "/withdrawals/verify", {"otp": code(amy)})["data"]["id"] == again["id"]
    client.refused("withdrawal_invalid_status", "POST", "/withdrawals/verify", {"otp": otp})


@pytest.mark.parametrize("kind", ["withdrawals", "redemptions"])
def test_resend_and_verify_mean_the_newest_that_waits(as_customer, code, travel, amy, kind):
    client, area = as_customer(amy), AREA[kind]
    client.refused(f"{area}_invalid_status", "POST", f"/{kind}/resend")
    client.refused(f"{area}_invalid_status", "POST", f"/{kind}/verify", {"otp": "123456"})
    first = client.ok("POST", f"/{kind}", BODIES[kind](amy))["data"]
    of_first = code(amy)
    second = client.ok("POST", f"/{kind}", BODIES[kind](amy, amount=200))["data"]
    assert client.ok("GET", f"/{kind}/{first['id']}")["data"]["status"] == "expired"
    of_second = code(amy)
    if of_first != of_second:
        client.refused(f"{area}_invalid_otp", "POST", f"/{kind}/verify", {"otp": of_first})
    client.refused(f"{area}_request_otp_too_often", "POST", f"/{kind}/resend")
    assert client.last.status_code == 429
    travel(61)
    assert client.ok("POST", f"/{kind}/resend") == {"success": True}
    newest = code(amy)
    if of_second != newest:
        client.refused(f"{area}_invalid_otp", "POST", f"/{kind}/verify", {"otp": of_second})
    done = client.ok("POST", f"/{kind}/verify", {"otp": newest})["data"]
    assert done["id"] == second["id"]
    client.refused(f"{area}_invalid_status", "POST", f"/{kind}/verify", {"otp": newest})


@pytest.mark.parametrize("kind", ["withdrawals", "redemptions"])
def test_a_late_code_expires_it(as_customer, code, travel, amy, kind):
    client = as_customer(amy)
    made = client.ok("POST", f"/{kind}", BODIES[kind](amy))["data"]
    otp = code(amy)
    travel(301)
    client.refused(f"{AREA[kind]}_otp_expired", "POST", f"/{kind}/verify", {"otp": otp})
    assert client.ok("GET", f"/{kind}/{made['id']}")["data"]["status"] == "expired"
    client.refused(f"{AREA[kind]}_invalid_status", "POST", f"/{kind}/verify", {"otp": otp})


@pytest.mark.parametrize("kind", ["withdrawals", "redemptions"])
def test_too_little_is_refused_at_once_and_again_at_the_end(as_customer, code, amy, kind):
    client, area = as_customer(amy), AREA[kind]
    client.refused(f"{area}_insufficient_balance", "POST", f"/{kind}", BODIES[kind](amy, amount=1001))
    client.ok("POST", f"/{kind}", BODIES[kind](amy, amount=900))
    otp = code(amy)
    other = next(name for name in BODIES if name != kind)
    client.ok("POST", f"/{other}", BODIES[other](amy, amount=500))
    client.ok("POST", f"/{other}/verify", {"otp": code(amy)})
    client.refused(f"{area}_insufficient_balance", "POST", f"/{kind}/verify", {"otp": otp})
    assert amy.balance("TWIP") == parse_units("500", "TWIP")


@pytest.mark.parametrize("kind", ["withdrawals", "redemptions"])
def test_the_fund_password_is_the_login_password(as_customer, amy, kind):
    body = BODIES[kind](amy, fund_password="wrong")
    as_customer(amy).refused(f"{AREA[kind]}_invalid_fund_password", "POST", f"/{kind}", body)


@pytest.mark.parametrize("kind", ["withdrawals", "redemptions"])
@pytest.mark.parametrize(
    "amount", [9, 0, -1, "-0", "NaN", "1e400", "１００", "1_000", True, None, [], "0.0000001", "10.0000001"]
)
def test_what_is_no_amount_is_refused(as_customer, amy, kind, amount):
    client = as_customer(amy)
    client.refused("parameter_invalid", "POST", f"/{kind}", BODIES[kind](amy, amount=amount))
    assert client.last.status_code == 422
    assert client.ok("GET", f"/{kind}")["data"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"currency": "twd"}, {"currency": "usdt"}, {"currency": None}, {"recipient_address": "TxyqrLNmgJF5Hy36ni475spt3Fznhonvow"},
        {"recipient_address": ""}, {"recipient_address": "0xdAC17F958D2ee523a2206206994597C13D831ec7"},
    ],
)  # fmt: skip
def test_only_twip_leaves_and_only_to_a_real_address(as_customer, amy, change):
    said = as_customer(amy).refused("parameter_invalid", "POST", "/withdrawals", withdraw(amy, **change))
    [parameter] = change
    assert said["message"].endswith(f": {parameter}"), "the mistake is named as the documents name it"


def test_cents_are_not_redeemed(as_customer, amy):
    as_customer(amy).refused("parameter_invalid", "POST", "/redemptions", redeem(amy, amount="10.5"))


def test_without_a_verified_bank_account_nothing_is_redeemed(as_customer, portal, companies):
    person = people.customer(portal, bank_account=False, twip="100")
    as_customer(person).refused("user_unauthorized_bank_account", "POST", "/redemptions", redeem(person))


@pytest.mark.parametrize("kind", ["withdrawals", "redemptions"])
def test_lists_and_single_records_belong_to_their_owner(as_customer, amy, ben, kind):
    made = as_customer(amy).ok("POST", f"/{kind}", BODIES[kind](amy))["data"]
    said = as_customer(amy).ok("GET", f"/{kind}")
    assert differences(said["data"], f"list_{kind}") == [] and said["meta"]["to"] == 1
    one = as_customer(amy).ok("GET", f"/{kind}/{made['id']}")["data"]
    assert differences(one, f"get_{IDS[kind]}") == []
    assert one["status"] == "otp_pending"
    as_customer(ben).refused("resource_missing", "GET", f"/{kind}/{made['id']}")
    other = next(name for name in BODIES if name != kind)
    as_customer(amy).refused("resource_missing", "GET", f"/{other}/{made['id']}")
    assert as_customer(ben).ok("GET", f"/{kind}")["data"] == []


def test_the_sms_names_the_amount_and_the_tail_of_the_address(app, as_customer, portal, amy):
    as_customer(amy).ok("POST", "/withdrawals", withdraw(amy))
    work(app)
    [sms] = messages(portal, amy.phone)
    assert "100" in sms["body"] and OUTSIDE[-4:] in sms["body"] and sms["code"] in sms["body"]


def test_a_failed_pay_out_gives_the_vouchers_back(app, as_customer, code, portal, amy):
    client = as_customer(amy)
    made = client.ok("POST", "/redemptions", redeem(amy))["data"]
    client.ok("POST", "/redemptions/verify", {"otp": code(amy)})
    portal.world.set_fault("bank", "reject", 1)
    work(app)
    assert client.ok("GET", f"/redemptions/{made['id']}")["data"]["status"] == "failed"
    assert (amy.balance("TWIP"), amy.balance("TWIP", "frozen")) == (parse_units("1000", "TWIP"), 0)


def test_vouchers_arrive_from_the_chain_when_solid(as_customer, portal, amy, ben):
    client = as_customer(amy)
    [wallet] = client.ok("GET", "/deposits/wallet/anything")["data"]
    assert differences([wallet], "deposit_wallet") == [] and wallet["address"] == address(portal, amy)
    tx_hash = send(portal, "TRON", "TWIP", wallet["address"], "0.02")
    mine(portal, count=1)
    [seen] = client.ok("GET", "/deposits")["data"]
    assert differences([seen], "list_deposits") == []
    assert (seen["amount"], seen["status"], seen["transaction_hash"]) == ("0.0200000000", "confirming", tx_hash)
    assert amy.balance("TWIP") == parse_units("1000", "TWIP")
    mine(portal)
    one = client.ok("GET", f"/deposits/{seen['id']}")["data"]
    assert differences(one, "get_deposit") == [] and one["status"] == "confirmed"
    assert amy.balance("TWIP") == parse_units("1000.02", "TWIP")
    assert client.ok("GET", "/profile")["data"]["is_activated"] is True
    as_customer(ben).refused("resource_missing", "GET", f"/deposits/{seen['id']}")
    assert as_customer(ben).ok("GET", "/deposits")["data"] == []


def test_wrong_codes_are_counted(as_customer, code, amy):
    client = as_customer(amy)
    client.ok("POST", "/withdrawals", withdraw(amy))
    otp = code(amy)
    for _ in range(5):
        client.refused("withdrawal_invalid_otp", "POST", "/withdrawals/verify", {"otp": wrong(otp)})
    client.refused("withdrawal_invalid_otp", "POST", "/withdrawals/verify", {"otp": otp})


def test_a_withdrawals_code_opens_no_redemption(as_customer, code, amy):
    client = as_customer(amy)
    client.ok("POST", "/withdrawals", withdraw(amy))
    otp = code(amy)
    client.ok("POST", "/redemptions", redeem(amy))
    if otp != code(amy):
        client.refused("redeem_invalid_otp", "POST", "/redemptions/verify", {"otp": otp})


def test_the_wallets_are_of_customers_who_are_signed_in(voucher, companies):
    for path in ("/deposits/wallet/twip", "/withdrawals", "/redemptions", "/deposits"):
        voucher().refused("unauthenticated", "GET", path)
