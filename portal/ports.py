"""The outside world as the services and the worker see it. Each port has a real adapter and a sandbox twin.

A port is called outside any transaction. It raises PortTimeout or PortError when nothing is known of the outcome or
the other side failed for now, and PortRejected for a final no. Idempotent calls carry a key.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

#: How a call of a port can go wrong; the sandbox's twins do it on demand.
FAULTS = ("timeout", "error", "reject", "duplicate", "lost_answer")


class PortError(RuntimeError):
    """The other side failed or cannot be reached; trying again later is safe."""


class PortTimeout(PortError):
    """No answer in time: the call may or may not have been carried out."""


class PortRejected(RuntimeError):
    """A final no: repeating the same call will not help."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one address. `key` is unique per message, for the receiver's own deduplication."""

    key: str
    to: str
    subject: str
    text: str
    html: str
    code: str | None = None


class MailPort(Protocol):
    """Sends mail."""

    def send(self, mail: Mail) -> None: ...


class SmsPort(Protocol):
    """Sends text messages; `to` is E.164."""

    def send(self, key: str, to: str, text: str, code: str | None = None) -> None: ...


class RatesPort(Protocol):
    """Answers the market's prices by symbol, such as `USDT-TWD`."""

    def prices(self) -> dict[str, Decimal]: ...


class FilePort(Protocol):
    """Keeps sealed bytes under a name."""

    def put(self, name: str, content: bytes) -> None: ...

    def get(self, name: str) -> bytes: ...

    def delete(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class ChainTransfer:
    """One token or coin transfer seen in a block. `succeeded` is False for a reverted transaction."""

    network: str
    tx_hash: str
    log_index: int
    asset: str
    contract: str | None
    to: str
    sender: str
    amount_units: int
    block_number: int
    block_hash: str
    succeeded: bool = True


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest block and the newest one that can no longer change."""

    number: int
    block_hash: str
    solid_number: int


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes ready to broadcast, with the hash they will have and the time after which the chain refuses them."""

    raw: bytes
    tx_hash: str
    expires_at: datetime | None
    nonce: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """What the chain knows of a hash: `unknown`, `pending`, `confirmed` (solid) or `failed` (mined and reverted)."""

    state: str
    confirmations: int = 0
    fee_units: int = 0


class ChainPort(Protocol):
    """One network: `TRON` or `ETHEREUM`."""

    network: str

    def head(self) -> ChainHead: ...

    def block_hash(self, number: int) -> str | None: ...

    def transfers(self, first_block: int, last_block: int) -> list[ChainTransfer]: ...

    def sign(self, key: str, asset: str, to: str, amount_units: int) -> SignedTransaction: ...

    def broadcast(self, signed: SignedTransaction) -> None: ...

    def status(self, tx_hash: str) -> TransactionStatus: ...

    def transaction_url(self, tx_hash: str) -> str: ...


#: Longest time a reading of holdings takes; less than any chain needs to make a transaction unchangeable (TRON: 54 seconds),
#: so that nothing that is sent after the reading began can be missing in it.
READING_SECONDS = 30


@runtime_checkable
class TellsHoldings(Protocol):
    """A chain that can say what the house holds on it: the hot wallet and the given addresses together, by asset.

    Told is a state that can no longer change: what has come in counts from then on, what is sent until then. A call ends
    within about `READING_SECONDS`, or raises PortError. An empty answer means that it cannot tell.
    """

    def holdings(self, addresses: list[str]) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class PayoutState:
    """What the bank knows of a pay-out: `unknown`, `accepted`, `paid` or `rejected` with the reason."""

    state: str
    reason: str = ""


class BankPort(Protocol):
    """Pays out to bank accounts; `key` makes a repeated order the same order."""

    def pay(self, key: str, bank_code: str, branch_code: str, account: str, holder: str, amount_units: int) -> None: ...

    def payout(self, key: str) -> PayoutState: ...


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """A card as the card network keeps it; the full number stays there."""

    network_id: str
    first_six: str
    last_four: str


@dataclass(frozen=True, slots=True)
class NetworkAccount:
    """A card's account at the bank: `active` is whether it was activated, `frozen` whether it is; units of its currency.

    `balance_units` is what is booked, `available_units` what is left beside open authorisations.
    """

    product: str
    active: bool
    frozen: bool
    balance_units: int
    available_units: int


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """A line of a statement. `kind`: 1 purchase, 2 load, 3 cash withdrawal, 4 transfer (partner contract, bank_tx_type)."""

    booked_on: date
    posted_on: date
    description: str
    debit_units: int
    credit_units: int
    kind: int


@dataclass(frozen=True, slots=True)
class NetworkStatement:
    """A month of a card's account (year and month), closed on its last day; the running month is open until then."""

    year: int
    month: int
    closes_on: date
    opening_units: int
    closing_units: int
    lines: tuple[NetworkLine, ...]


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    """Something that happened at the card network, in its order.

    `kind` is `activated`, `frozen`, `unfrozen`, `review_passed` or `review_failed` (with the reason), `load` (key of the
    load), or a booking: `purchase`, `atm`, `refund`, `transfer`, `fee`; `approved` is false for one that was declined.
    """

    number: int
    network_id: str
    kind: str
    at: datetime
    key: str = ""
    description: str = ""
    debit_units: int = 0
    credit_units: int = 0
    approved: bool = True
    reason: str = ""


class CardNetworkPort(Protocol):
    """The card network: issues, activates, loads and reports (partner contract 2, 3 and 5).

    `key` makes a repeated order the same order. A PortRejected of a `load` is final only when `load_state` agrees.
    """

    def issue(self, key: str, card_type_id: str) -> NetworkCard: ...

    def submit_documents(self, key: str, network_id: str) -> None: ...

    def activate(self, key: str, network_id: str) -> None: ...

    def load(self, key: str, network_id: str, amount_units: int) -> None: ...

    def load_state(self, key: str) -> PayoutState: ...

    def account(self, network_id: str) -> NetworkAccount: ...

    def statements(self, network_id: str, first: tuple[int, int], last: tuple[int, int]) -> list[NetworkStatement]: ...

    def events(self, after: int, limit: int) -> list[NetworkEvent]: ...


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What an endpoint said: its status and the start of its body, for the log."""

    status: int
    start: str


class WebhookPort(Protocol):
    """Posts notices to other people's servers. A PortRejected is an address that may not be called at all."""

    def send(self, url: str, headers: dict[str, str], body: bytes) -> WebhookAnswer: ...


@dataclass(frozen=True, slots=True)
class TravelMessage:
    """Who sends and who receives a transfer, for the provider that keeps the receiving wallet (Travel Rule).

    `originator` and `beneficiary` are plain texts by name; `amount` is a decimal text of the asset. `key` makes a repeated
    message the same message.
    """

    key: str
    provider: str
    originator: dict[str, str]
    beneficiary: dict[str, str]
    network: str
    asset: str
    amount: str


class TravelRulePort(Protocol):
    """Tells other providers; answers their reference. A PortRejected is the receiving provider's final no."""

    def tell(self, message: TravelMessage) -> str: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of a running portal; `chains` by network. Without `travel_rule` nobody is told, and records are kept."""

    mail: MailPort
    sms: SmsPort
    rates: RatesPort
    files: FilePort
    bank: BankPort
    card_network: CardNetworkPort
    webhooks: WebhookPort
    chains: dict[str, ChainPort] = field(default_factory=dict)
    travel_rule: TravelRulePort | None = None
