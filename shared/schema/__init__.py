"""The words in which a contract declares a resource: `class Team(Resource, path="/v1/teams", …)` and its fields.

A declaration gives ordinary marshmallow schemas (`shared/wire/fields.py`) and ordinary operations (`shared/schema/contract.py`).
"""

from shared.schema.fields import Choice as Choice
from shared.schema.fields import Code as Code
from shared.schema.fields import Currency as Currency
from shared.schema.fields import Day as Day
from shared.schema.fields import Flag as Flag
from shared.schema.fields import Id as Id
from shared.schema.fields import Instant as Instant
from shared.schema.fields import Multiline as Multiline
from shared.schema.fields import Refers as Refers
from shared.schema.fields import Secret as Secret
from shared.schema.fields import Text as Text
from shared.schema.group import Group as Group
from shared.schema.group import Line as Line
from shared.schema.lists import Custom as Custom
from shared.schema.lists import Lines as Lines
from shared.schema.lists import Many as Many
from shared.schema.lists import Part as Part
from shared.schema.lists import Table as Table
from shared.schema.lists import Tags as Tags
from shared.schema.naming import KEPT as KEPT
from shared.schema.numbers import Amount as Amount
from shared.schema.numbers import Percent as Percent
from shared.schema.numbers import Price as Price
from shared.schema.numbers import Quantity as Quantity
from shared.schema.numbers import Whole as Whole
from shared.schema.resource import Resource as Resource
from shared.schema.resource import rule as rule
from shared.schema.verbs import State as State
from shared.schema.verbs import Verb as Verb
