"""The changes to a person's phones and their enrolment codes, as guarded SQL."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from endorse.core import change as c
from endorse.core.model import Phone
from endorse.store.connection import Connection, Value


async def _issue(db: Connection, change: c.Issue) -> bool:
    code = change.enrolment
    changed = await db.run(
        "INSERT INTO enrolments (code_hash, person_id, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        code.code_hash,
        code.person_id,
        code.created_at,
        code.expires_at,
    )
    return changed == 1


async def _enrol(db: Connection, change: c.Enrol) -> bool:
    used = await db.run(
        "UPDATE enrolments SET used_at = $2 WHERE code_hash = $1 AND used_at IS NULL",
        change.code_hash,
        change.now,
    )
    phone = change.phone
    made = await db.run(
        "INSERT INTO phones (phone_id, person_id, name, device, credential_id, public_key, "
        "sign_count, enrolled_at, enrolled_with, lapses_at, usable_from) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        phone.phone_id,
        phone.person_id,
        phone.name,
        phone.device,
        phone.credential_id,
        phone.public_key,
        phone.sign_count,
        phone.enrolled_at,
        phone.enrolled_with,
        phone.lapses_at,
        phone.usable_from,
    )
    return used == 1 and made == 1


_UNCHANGED: Final = (
    "WHERE phone_id = $1 AND wrong_digits = $2 AND COALESCE(usable_from, -1) = $3 "
    "AND revoked_at IS NULL"
)
_BY_ONE_THAT_LIVES: Final = (
    "AND (CAST({0} AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM phones AS other "
    "WHERE other.phone_id = {0} AND other.revoked_at IS NULL))"
)


def _unchanged(before: Phone) -> tuple[Value, Value, Value]:
    usable_from = -1 if before.usable_from is None else before.usable_from
    return before.phone_id, before.wrong_digits, usable_from


async def _confirm_phone(db: Connection, change: c.ConfirmPhone) -> bool:
    changed = await db.run(
        f"UPDATE phones SET usable_from = $4 {_UNCHANGED} {_BY_ONE_THAT_LIVES.format('$5')}",
        *_unchanged(change.before),
        change.usable_from,
        change.by_phone,
    )
    return changed == 1


async def _count_wrong_digits(db: Connection, change: c.CountWrongDigits) -> bool:
    counted = f"UPDATE phones SET wrong_digits = wrong_digits + 1 {_UNCHANGED}"
    return await db.run(counted, *_unchanged(change.before)) == 1


async def _revoke_phone(db: Connection, change: c.RevokePhone) -> bool:
    changed = await db.run(
        "UPDATE phones SET revoked_at = $2 WHERE phone_id = $1 AND revoked_at IS NULL "
        + _BY_ONE_THAT_LIVES.format("$3"),
        change.phone.phone_id,
        change.now,
        change.by_phone,
    )
    return changed == 1


async def _count_up(db: Connection, change: c.CountUp) -> bool:
    changed = await db.run(
        "UPDATE phones SET sign_count = $2 WHERE phone_id = $1 AND sign_count < $2",
        change.phone_id,
        change.sign_count,
    )
    return changed == 1


PHONES: Final[dict[type, Callable[[Connection, Any], Awaitable[bool]]]] = {
    c.Issue: _issue,
    c.Enrol: _enrol,
    c.ConfirmPhone: _confirm_phone,
    c.CountWrongDigits: _count_wrong_digits,
    c.RevokePhone: _revoke_phone,
    c.CountUp: _count_up,
}
