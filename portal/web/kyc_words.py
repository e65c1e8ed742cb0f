"""The words of the identity check: documents, questions and levels as customers and reviewers read them."""

from dataclasses import dataclass

from portal.errors import N_
from portal.services import kyc


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of document: its address, name and what makes it good."""

    kind: int
    slug: str
    name: str
    hint: str
    sign: str = "id-card"


DOCUMENTS = {
    document.kind: document
    for document in (
        Document(
            kyc.ID_FRONT, "id-front", N_("Identity card, front"),
            N_("The front of your identity card or resident certificate: all four corners, no glare, every letter readable."),
        ),
        Document(
            kyc.ID_BACK, "id-back", N_("Identity card, back"),
            N_("The back of the same card: all four corners, no glare, every letter readable."),
        ),
        Document(
            kyc.SELFIE, "selfie", N_("You with your card"),
            N_("A photo of yourself holding the card beside your face. Both your face and the card must be sharp."),
            sign="user",
        ),
        Document(
            kyc.SECOND_ID, "second-id", N_("Second document"),
            N_("Another document with your name and photo: health insurance card, driving licence or passport."),
        ),
        Document(
            kyc.ADDRESS, "address", N_("Proof of address"),
            N_("A bill or bank statement of the last three months with your name and address; a PDF is fine."),
            sign="file-text",
        ),
        Document(
            kyc.PASSBOOK, "passbook", N_("Passbook"),
            N_("The cover of your passbook, or a page of your online bank, with your name, the bank and the account number."),
            sign="landmark",
        ),
    )
}  # fmt: skip
BY_SLUG = {document.slug: document for document in DOCUMENTS.values()}


@dataclass(frozen=True, slots=True)
class Question:
    """A question of level 2: its text, its answers, and what is asked besides for one of them."""

    name: str
    text: str
    answers: dict[str, str]
    words_for: str | None = None
    words: str = ""


QUESTIONS = (
    Question(
        "q1", N_("What will you mainly use your account for?"),
        {"investment": N_("Investing"), "payment": N_("Paying"), "other": N_("Something else")},
        "other", N_("What for?"),
    ),
    Question(
        "q2", N_("Do you, or a close relative or associate, hold a prominent public office?"),
        {"no": N_("No"), "yes": N_("Yes")},
        "yes", N_("Which office, and who holds it?"),
    ),
    Question(
        "q3", N_("How long have you dealt with digital assets?"),
        {"first_time": N_("This is my first time"), "less_than_1": N_("Less than a year"),
         "1_to_3": N_("One to three years"), "over_3": N_("More than three years")},
    ),
    Question(
        "q4", N_("How much do you expect to trade in a year?"),
        {"less_than_50": N_("Less than NT$ 500,000"), "between_50_to_100": N_("NT$ 500,000 to 1,000,000"),
         "over_100": N_("More than NT$ 1,000,000")},
    ),
)  # fmt: skip

LEVELS = {
    1: N_("Your identity"),
    2: N_("Your documents"),
    3: N_("Your bank account"),
}
OPENS = {
    1: N_("Receive crypto assets"),
    2: N_("Buy and sell, send, and withdraw crypto assets"),
    3: N_("Deposit and withdraw New Taiwan dollars"),
}

#: What a reviewer should look at twice (services/kyc/review.py, Case.warnings).
WARNINGS = {
    "gender_differs": N_("The gender is not the one the identity number carries."),
    "number_held_by_another": N_("Another verified customer has this identity number."),
    "account_used_by_another": N_("Another customer uses this bank account."),
}
NUMBER_KINDS = {
    "national": N_("National identity card"),
    "resident": N_("Resident certificate"),
    "resident_old": N_("Resident certificate (old format)"),
}
