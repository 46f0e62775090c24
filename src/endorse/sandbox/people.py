"""The invented people: who they are, how they live and which accounts they hold."""

from typing import Literal

import msgspec

from endorse.bank import Account, Person
from endorse.sandbox import iban
from endorse.sandbox.draw import Draw

Kind = Literal["current", "savings", "joint", "joint-savings", "business", "foreign"]


class Saving(msgspec.Struct, frozen=True):
    """A savings plan, in cents: what stays, what comes each month, the month that empties it."""

    floor: int
    deposit: int
    emptied_in: int


class Life(msgspec.Struct, frozen=True):
    """What a person's months are made of; money in cents.

    `spending` scales the payments by card, in percent.
    """

    payer: str
    pay_text: str
    pay: int
    pay_day: int
    rent: int
    spending: int
    saving: Saving
    kinds: tuple[Kind, ...]
    currency: str = "USD"
    subscriptions: int = 3


class Held(msgspec.Struct, frozen=True, eq=False):
    """An account with what the months need to know of it."""

    kind: Kind
    account: Account
    saving: Saving | None = None

    @property
    def id(self) -> str:
        """The account's `resourceId`."""
        return self.account.resource_id


class Member(msgspec.Struct, frozen=True, eq=False):
    """A person of a household and the accounts that are this person's alone."""

    person: Person
    life: Life
    own: tuple[Held, ...]

    def held(self, kind: Kind) -> Held | None:
        """The own account of this kind, if there is one."""
        return next((held for held in self.own if held.kind == kind), None)


class Household(msgspec.Struct, frozen=True, eq=False):
    """People who share accounts, or one person alone."""

    id: str
    members: tuple[Member, ...]
    shared: tuple[Held, ...]

    def accounts_of(self, person_id: str) -> tuple[Account, ...]:
        """The person's own accounts, then the shared ones."""
        own = next(member.own for member in self.members if member.person.id == person_id)
        return tuple(held.account for held in own + self.shared)


_SHARED_SAVING = Saving(floor=640_000, deposit=22_500, emptied_in=12)

_NAMED: tuple[tuple[tuple[str, str, Life], ...], ...] = (
    (
        (
            "anna",
            "Anna de Vries",
            Life(
                payer="Studio Vuurtoren",
                pay_text="Salary",
                pay=294_082,
                pay_day=25,
                rent=0,
                spending=100,
                saving=Saving(floor=410_000, deposit=25_000, emptied_in=7),
                kinds=("current", "savings", "foreign"),
            ),
        ),
        (
            "bram",
            "Bram Jansen",
            Life(
                payer="Scholengroep Lindehof",
                pay_text="Salary",
                pay=271_845,
                pay_day=24,
                rent=0,
                spending=90,
                saving=Saving(floor=180_000, deposit=15_000, emptied_in=7),
                kinds=("current", "savings"),
            ),
        ),
    ),
    (
        (
            "fatima",
            "Fatima Zahra El Amrani-Oudkerk",
            Life(
                payer="",
                pay_text="Pay to myself",
                pay=312_500,
                pay_day=24,
                rent=124_000,
                spending=110,
                saving=Saving(floor=950_000, deposit=30_000, emptied_in=7),
                kinds=("current", "business", "savings", "foreign"),
                subscriptions=4,
            ),
        ),
    ),
    (
        (
            "ingrid",
            "Ingrid Lindqvist",
            Life(
                payer="Kanaal Logistiek",
                pay_text="Salary",
                pay=348_210,
                pay_day=23,
                rent=138_500,
                spending=120,
                saving=Saving(floor=1_250_000, deposit=40_000, emptied_in=7),
                kinds=("current", "savings", "foreign"),
                currency="SEK",
            ),
        ),
    ),
    (
        (
            "joost",
            "Joost Bakker",
            Life(
                payer="Fietskoerier Snelwiel",
                pay_text="Wages",
                pay=134_760,
                pay_day=25,
                rent=46_500,
                spending=40,
                saving=Saving(floor=35_000, deposit=5_000, emptied_in=7),
                kinds=("current", "savings"),
                subscriptions=2,
            ),
        ),
    ),
    (
        (
            "margriet",
            "Margriet van der Heijden",
            Life(
                payer="Pension Fund De Haven",
                pay_text="Pension",
                pay=246_390,
                pay_day=21,
                rent=79_500,
                spending=75,
                saving=Saving(floor=3_150_000, deposit=20_000, emptied_in=7),
                kinds=("current", "savings", "foreign"),
                currency="CHF",
            ),
        ),
    ),
)

_FIRST_NAMES = (
    "Amir", "Bente", "Cem", "Daan", "Elif", "Femke", "Giulia", "Hanna", "Imran", "Jip", "Kofi",
    "Lotte", "Milan", "Noor", "Olivia", "Pim", "Quinten", "Roos", "Sanne", "Tess", "Umar", "Vera",
    "Wout", "Yara", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Achterberg", "Bos", "Cohen", "Demir", "van Eck", "Fernandes", "de Groot", "Haddad", "Ilves",
    "de Jong", "Kaya", "van Leeuwen", "Mulder", "Nguyen", "Osei", "Prins", "Rossi", "Smit",
    "ter Horst", "Veldkamp", "Willems", "Yildiz", "Zijlstra",
)  # fmt: skip
_EMPLOYERS = ("Bakkerij Molenaar", "Gemeente Duinstad", "Noorderlicht Software", "Ziekenhuis Oost")
_CURRENCIES = ("USD", "SEK", "GBP", "CHF")

_LOOKS: dict[Kind, tuple[str, str, str]] = {
    "current": ("Everyday account", "Current Account", "CACC"),
    "savings": ("Savings", "Easy Saver", "SVGS"),
    "joint": ("Household", "Joint Current Account", "CACC"),
    "joint-savings": ("Savings for the house", "Joint Easy Saver", "SVGS"),
    "business": ("Business account", "Business Current Account", "CACC"),
    "foreign": ("{currency} account", "Currency Account", "CACC"),
}


def named(seed: str) -> tuple[Household, ...]:
    """The households of the people with a name of their own, always the same ones."""
    return tuple(_household(seed, members) for members in _NAMED)


def invented(seed: str, person_id: str) -> Household:
    """The household of someone who is invented on the spot, from nothing but seed and id."""
    draw = Draw(seed, "person", person_id)
    name = f"{draw.pick(_FIRST_NAMES)} {draw.pick(_LAST_NAMES)}"
    pay = draw.between(265_000, 390_000)
    life = Life(
        payer=draw.pick(_EMPLOYERS),
        pay_text="Salary",
        pay=pay,
        pay_day=draw.between(22, 25),
        rent=pay * draw.between(30, 35) // 100 // 500 * 500,
        spending=draw.between(75, 100),
        saving=Saving(draw.between(20, 150) * 10_000, draw.between(8, 20) * 1_000, emptied_in=7),
        kinds=("current", "savings", "foreign"),
        currency=draw.pick(_CURRENCIES),
        subscriptions=draw.between(2, 4),
    )
    return _household(seed, ((person_id, name, life),))


def _household(seed: str, people: tuple[tuple[str, str, Life], ...]) -> Household:
    members = tuple(
        Member(
            Person(person_id, name),
            life,
            tuple(_held(seed, person_id, name, kind, life) for kind in life.kinds),
        )
        for person_id, name, life in people
    )
    household_id = "-".join(member.person.id for member in members)
    if len(members) == 1:
        return Household(household_id, members, ())
    owners = " and ".join(member.person.name for member in members)
    shared = tuple(
        _held(seed, household_id, owners, kind, None) for kind in ("joint", "joint-savings")
    )
    return Household(household_id, members, shared)


def _held(seed: str, owner_id: str, owners: str, kind: Kind, life: Life | None) -> Held:
    name, product, cash_account_type = _LOOKS[kind]
    currency = life.currency if life and kind == "foreign" else "EUR"
    # Readable where a real bank's would be opaque: in a sandbox people read them in logs and tests.
    resource_id = f"{owner_id}-{currency.lower() if kind == 'foreign' else kind}"
    saving = {"savings": life.saving if life else None, "joint-savings": _SHARED_SAVING}.get(kind)
    account = Account(
        resource_id=resource_id,
        iban=iban.own(seed, resource_id),
        currency=currency,
        name=name.format(currency=currency),
        product=product,
        cash_account_type=cash_account_type,
        status="enabled",
        bic=iban.BIC,
        usage="ORGA" if kind == "business" else "PRIV",
        owner_name=owners,
    )
    return Held(kind, account, saving)
