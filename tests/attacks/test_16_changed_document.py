"""Attack 16: what is signed is not what was shown: somebody changes it on the way to the passkey.

It fails because the passkey signs the hash of the frozen document. One changed field is another
hash; each review has a fresh nonce, so an older signature is void; and accounts that are not the
person's never get into a document.
"""

from __future__ import annotations

import pytest

from endorse.audit import Outcome
from tests.attacks.trying import tried
from tests.serving import Served

pytestmark = pytest.mark.anyio


async def test_a_signature_over_anything_but_the_last_document_is_refused(served: Served) -> None:
    finding = await tried(served, "16")
    assert finding.outcome is Outcome.HELD, finding.seen
