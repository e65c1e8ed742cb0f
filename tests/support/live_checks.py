"""What waits for staff at a running portal besides its queues: people of institutions, accounts of stores, disputes."""

from itertools import count

from portal.models.partner import PartnerKyc
from portal.models.risk import RiskCase
from portal.models.stores import Store
from portal.models.system import Activity
from portal.services import approvals, disputes, history, partner_kyc, risk, staff_sessions, store_bank_accounts
from portal.services.staff_sessions import SignedInStaff
from tests.support import desk, live_desk, merchants, partners, people, vouchers
from tests.support.beside import app_beside
from tests.support.live import LivePortal

NUMBER = "00999988887777"

_numbers = count(1)


def person(live: LivePortal, acct_no: str) -> tuple[partners.Partner, PartnerKyc]:
    """An institution, and a person of it whose check waits."""
    who = partners.partner(app_beside(live))
    who.ok("POST", "/customers/accounts", partners.kyc_body(acct_no=acct_no))
    who.work()
    return who, check_of(who, acct_no)


def check_of(who: partners.Partner, acct_no: str) -> PartnerKyc:
    """The person's check as it stands."""
    found: PartnerKyc = who.portal.db.read(partner_kyc.newest, acct_no, "50000001", who.id)
    return found


def shop(live: LivePortal, number: str = NUMBER) -> merchants.Shop:
    """A store whose owner wants its takings on another account than the one in force."""
    made = merchants.shop(app_beside(live), pins=False)
    wants(made, number)
    return made


def wants(shop: merchants.Shop, number: str) -> None:
    """The owner names another account for the takings."""
    shop.portal.db.transact(
        store_bank_accounts.propose, shop.store, "山嵐咖啡有限公司", "812", "0012", number, f"customer:{shop.owner.id}"
    )


def line(live: LivePortal, who: people.Person) -> Activity:
    """The newest line of a customer's history, which a withdrawal begins."""
    live_desk.withdrawal(live, who, "100")
    found: Activity = live_desk.beside(live).db.read(history.page, who.id, limit=1).rows[0]
    return found


def dispute(live: LivePortal, who: people.Person) -> RiskCase:
    """A dispute about the newest line of a customer's history."""
    me = seated(live, desk.member(live_desk.beside(live), "support"))
    customer, row = live_desk.public_id(live, who), line(live, who)
    found: RiskCase = live_desk.beside(live).db.transact(
        disputes.open_dispute, me, customer, row.public_id, "I did not ask for this."
    )
    return found


def seated(live: LivePortal, member: desk.Member) -> SignedInStaff:
    """The member at a desk, for acts that services carry out."""
    portal = live_desk.beside(live)
    token = portal.db.transact(
        staff_sessions.open_session, member.id, staff_sessions.FULL, ip="127.0.0.1", user_agent="test"
    )
    found: SignedInStaff = portal.db.read(staff_sessions.resolve, token)
    return found


def handed_in(who: partners.Partner, acct_no: str) -> PartnerKyc:
    """The person's check after the institution handed it in anew."""
    who.ok("POST", "/customers/accounts", partners.kyc_body(acct_no=acct_no))
    who.work()
    return check_of(who, acct_no)


def store(live: LivePortal) -> Store:
    """A store where nobody works yet."""
    return vouchers.open_store(live_desk.beside(live), f"山嵐 {next(_numbers)}")


def furnish(live: LivePortal) -> dict[str, str]:
    """Something to check, to dispute and to decide; the addresses of single things, by what they are."""
    portal = live_desk.beside(live)
    amy = people.customer(portal, usdt="1000")
    member = desk.member(portal, "support", "treasury", "compliance")
    me = seated(live, member)
    case = portal.db.transact(risk.open_case_about, me, live_desk.public_id(live, amy), "Two names, one phone")
    empty = store(live)
    wanted = {"store": empty.id, "login": amy.email}
    proposal = portal.db.transact(approvals.propose, me, "store.owner", f"store:{empty.id}", wanted, "a new shop")
    _, check = person(live, "furnished")
    disputed = dispute(live, amy)
    row = portal.db.read(history.page, amy.id, limit=1).rows[0]
    return {
        "person": f"/staff/partner-kyc/{check.public_id}",
        "account": f"/staff/store-accounts/{shop(live).store.public_id}",
        "dispute": f"/staff/disputes/{disputed.public_id}",
        "entry": f"/staff/customers/{live_desk.public_id(live, amy)}/activity/{row.public_id}",
        "case": f"/staff/cases/{case.public_id}",
        "store": f"/staff/stores/{empty.id}",
        "member": f"/staff/people/{member.public_id}",
        "proposal": f"/staff/approvals/{proposal.public_id}",
    }
