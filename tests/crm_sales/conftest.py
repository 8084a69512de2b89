"""A fresh shop per test."""

from collections.abc import Callable

import pytest

from crm_sales.service import CrmSales
from tests.crm_sales.shop import Shop
from tests.harness import Harness


@pytest.fixture
def shop(service: Callable[[type], Harness]) -> Shop:
    return Shop(service(CrmSales)).open()
