"""Where the invented people pay by card, how often a month and how much."""

import msgspec


class Habit(msgspec.Struct, frozen=True):
    """`few` to `many` payments a month, each of `low` to `high` cents in steps of `step`."""

    shops: tuple[str, ...]
    few: int
    many: int
    low: int
    high: int
    step: int = 1
    cash: bool = False


GROCERIES = Habit(("Greenleaf Market", "Polder Supermarkt", "De Versmarkt"), 7, 11, 890, 7_420)

DAILY: tuple[Habit, ...] = (
    Habit(("Brouwer & Boon Coffee", "Bakkerij Zonneschijn", "Station Espresso"), 5, 11, 260, 890),
    Habit(("Lunchroom Lotte", "Noodle House 88", "Pizzeria Vesuvio"), 3, 6, 1_100, 5_600),
    Habit(("Tram & Trein", "Stadsfiets"), 6, 12, 190, 1_840),
    Habit(("Katoen & Co", "Boekhandel De Kade", "Bouwmarkt Hamer"), 1, 4, 1_290, 9_900),
    Habit(("Apotheek West",), 0, 2, 480, 3_200),
    Habit(("Cash machine Stationsplein",), 0, 2, 2_000, 10_000, step=1_000, cash=True),
)

HOLIDAY = Habit(("Hotel Miramar", "Trattoria da Nino", "Museo del Mare"), 6, 9, 1_400, 9_800)

BUSINESS = Habit(("Kantoor & Papier", "Tram & Trein", "Cloudwerk"), 3, 7, 650, 14_500)

ABROAD = Habit(("Airport Shop", "Corner Books", "Harbour Café"), 0, 4, 380, 4_200)

SUBSCRIPTIONS: tuple[tuple[str, int, int], ...] = (
    ("Moonlight Films", 1_299, 5),
    ("Tonic Music", 1_099, 9),
    ("Fit & Fris Gym", 2_850, 2),
    ("De Dagkrant", 1_695, 12),
)
"""Name, cents and day of the month."""

PAYERS_ABROAD: dict[str, tuple[str, str, int]] = {
    "USD": ("Bluebird Press LLC", "Royalties", 1),
    "GBP": ("Penrose Gallery Ltd", "Sales of prints", 1),
    "CHF": ("Alpina Vermietung AG", "Rent of the flat", 1),
    "SEK": ("Gotland Stugor AB", "Rent of the cottage", 10),
}
"""Who pays into an account in this currency, for what, and how many of its units make one euro."""

BUSINESS_CLIENTS = (
    "Hotel De Gouden Leeuw",
    "Museum Aan Zee",
    "Stichting Stadstuin",
    "Uitgeverij Mast",
)
