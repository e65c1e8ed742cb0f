"""TRON transactions as bytes: the few messages of its protocol (protobuf, tron.proto) that a token transfer needs."""

_TRIGGER_SMART_CONTRACT = 31
_TYPE_URL = b"type.googleapis.com/protocol.TriggerSmartContract"


def trigger_contract(*, owner: bytes, contract: bytes, data: bytes) -> bytes:
    """A call of a contract: addresses of 21 bytes, and the call's data."""
    return _bytes(1, owner) + _bytes(2, contract) + _bytes(4, data)


def raw_data(block_id: bytes, call: bytes, *, timestamp: int, expiration: int, fee_limit: int) -> bytes:
    """What is signed: a call, tied to a block, with its end (milliseconds) and the most it may cost (sun)."""
    parameter = _bytes(1, _TYPE_URL) + _bytes(2, call)
    contract = _number(1, _TRIGGER_SMART_CONTRACT) + _bytes(2, parameter)
    return (
        _bytes(1, block_id[6:8])
        + _bytes(4, block_id[8:16])
        + _number(8, expiration)
        + _bytes(11, contract)
        + _number(14, timestamp)
        + _number(18, fee_limit)
    )


def transaction(raw: bytes, signature: bytes) -> bytes:
    """A signed transaction, ready to broadcast."""
    return _bytes(1, raw) + _bytes(2, signature)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
