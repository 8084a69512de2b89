"""What may go wrong with good data, as SQL that no service would ever run, and which invariants must notice.

Mostly one invariant notices a corruption. Where a changed fact really breaks several promises, all are listed.
"""

from tests.auditor.corruptions.billing import BILLING
from tests.auditor.corruptions.books import BOOKKEEPING
from tests.auditor.corruptions.corruption import BOOKS, Corruption
from tests.auditor.corruptions.endings import ENDINGS
from tests.auditor.corruptions.goods import GOODS
from tests.auditor.corruptions.messages import MESSAGES
from tests.auditor.corruptions.orders import ORDERS

ALL = [*MESSAGES, *ORDERS, *BILLING, *ENDINGS, *GOODS, *BOOKKEEPING]

__all__ = ["ALL", "BOOKS", "Corruption"]
