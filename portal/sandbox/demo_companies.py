"""Demo companies (voucher contract, project_initiation): tungkai and huanyu with an account each, and the terms."""

from sqlalchemy.orm import Session

from portal.bootstrap import Portal
from portal.money import parse_units
from portal.services import companies

ACTOR = "system"

#: Code, name, colour, vouchers it may sell, and the account it is paid into with bank and branch.
COMPANIES = (
    ("tungkai", "東楷科技股份有限公司", "#0b6b57", 500_000_000, "009-5251234567890", "彰化銀行", "復興分行"),
    ("huanyu", "寰宇數位股份有限公司", "#1f4e8c", 50_000_000, "807-2241234567890", "永豐銀行", "台北分行"),
)

ACCOUNT_HOLDER = "香港商全金集成有限公司台灣分公司"

TERMS = """禮券（TWIP）一單位等值新臺幣一元，可於特約商店消費、轉讓、兌換為 TWIG，或贖回至本人已驗證之銀行帳戶。
購買訂單成立後三日內未付款者自動失效；付款金額與訂單不符者，將退回原帳戶。"""


def load(portal: Portal) -> None:
    """Makes the two companies; tungkai may sell ten times what huanyu may."""
    portal.db.transact(_make)


def _make(session: Session) -> None:
    for code, name, colour, sellable, account, bank, branch in COMPANIES:
        company = companies.create(
            session,
            code,
            name,
            sellable_units=parse_units(sellable, "TWIP"),
            colour=colour,
            contact_email=f"service@{code}.example",
            contact_phone="+886287654321",
            address="台北市內湖區瑞光路1號",
            actor=ACTOR,
        )
        companies.add_bank_account(session, company.id, account, bank, branch, ACCOUNT_HOLDER, actor=ACTOR)
    companies.publish_policy(session, "1.23", content=TERMS, actor=ACTOR)
