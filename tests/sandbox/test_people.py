import pytest

from endorse.bank import Bank, Person, UnknownAccount
from tests.sandbox.asking import all_accounts, run, sandbox


def test_the_sandbox_is_a_bank() -> None:
    bank: Bank = sandbox()
    assert run(bank.person("anna")) == Person("anna", "Anna de Vries")


def test_six_people_have_names_and_ids_of_their_own() -> None:
    people = sandbox().people()
    assert len(people) == 6
    assert len({person.id for person in people}) == len({person.name for person in people}) == 6


def test_everyone_has_several_accounts_with_current_and_savings() -> None:
    bank = sandbox()
    for person in bank.people():
        accounts = run(bank.accounts(person.id))
        assert {"CACC", "SVGS"} <= {account.cash_account_type for account in accounts}
        assert {account.currency for account in accounts} >= {"EUR"}
        assert all(person.name in (account.owner_name or "") for account in accounts)


def test_some_people_have_an_account_in_another_currency() -> None:
    currencies = {account.currency for account in all_accounts(sandbox())}
    assert {"EUR", "USD", "SEK", "CHF"} <= currencies


def test_a_joint_account_is_the_same_for_both_owners() -> None:
    bank = sandbox()
    anna, bram = run(bank.accounts("anna")), run(bank.accounts("bram"))
    shared = [account for account in anna if account in bram]
    assert [account.name for account in shared] == ["Household", "Savings for the house"]
    assert {account.owner_name for account in shared} == {"Anna de Vries and Bram Jansen"}


def test_no_other_accounts_are_shared() -> None:
    bank = sandbox()
    seen = [a.resource_id for p in bank.people() for a in run(bank.accounts(p.id))]
    assert len(seen) - len(set(seen)) == 2


def test_a_new_id_is_a_person_who_stays_the_same() -> None:
    first, again = sandbox(), sandbox()
    assert run(first.person("new-7f3a")) == run(again.person("new-7f3a")) is not None
    assert run(first.accounts("new-7f3a")) == run(again.accounts("new-7f3a"))
    assert len(run(first.accounts("new-7f3a"))) == 3


def test_new_people_differ() -> None:
    bank = sandbox()
    people = [bank.new_person() for _ in range(50)]
    assert len({person.id for person in people}) == 50
    assert len({person.name for person in people}) > 30
    assert all(run(bank.person(person.id)) == person for person in people)


def test_another_seed_gives_other_account_numbers() -> None:
    one, other = all_accounts(sandbox(seed="one")), all_accounts(sandbox(seed="other"))
    assert not {a.iban for a in one} & {a.iban for a in other}
    assert [a.resource_id for a in one] == [a.resource_id for a in other]


@pytest.mark.parametrize("person_id", ["", "nobody", "new-", "new-A", "new-é", "new-" + 33 * "a"])
def test_an_unknown_id_is_nobody_without_accounts(person_id: str) -> None:
    bank = sandbox()
    assert run(bank.person(person_id)) is None
    assert run(bank.accounts(person_id)) == ()


@pytest.mark.parametrize("account_id", ["", "anna", "anna-joint", "new-7f3a-joint", "new-7f3a"])
def test_an_unknown_account_is_refused(account_id: str) -> None:
    bank = sandbox()
    with pytest.raises(UnknownAccount):
        run(bank.balances(account_id))
    with pytest.raises(UnknownAccount):
        run(bank.transactions(account_id, None, None, None, 10))
