"""The gateway, put together: every route, and what starts and stops with it."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Router

from gateway.calls import everywhere, jobs
from gateway.calls.exporting import Lister
from gateway.calls.forwarding import Calls, Forwarder
from gateway.calls.overseeing import Overseer
from gateway.calls.own_writes import OwnWrites
from gateway.calls.rpc import Rpc
from gateway.calls.uploading import Importer
from gateway.docs import asyncapi, openapi, pages, refusing
from gateway.docs.describing import Resources
from gateway.edge.answering import Edge
from gateway.edge.companies import Companies
from gateway.edge.health import Health
from gateway.edge.identifying import Identifier
from gateway.edge.settings import Settings
from gateway.events.catalogue import Catalogue
from gateway.events.streaming import READERS, Streams
from gateway.events.tickets import Tickets
from gateway.http import contract
from gateway.http.bounds import Bounds
from gateway.http.cors import Origins
from gateway.http.deprecation import noticed
from gateway.http.limits import Buckets
from gateway.http.routes import Endpoint, Table
from gateway.identity.auth import Auth
from gateway.identity.denials import Denials
from gateway.identity.directory import Directory
from gateway.identity.oidc import Client
from gateway.identity.oidc_sign_in import OidcSignIn
from gateway.identity.tokens import Tokens
from shared.contracts import SERVICES, operations
from shared.kernel.signing import Keys, Signer
from shared.storage.database import new_engine

LOOKUPS = 3
"""Threads that read what users and keys may do."""


class Gateway:
    """Everything that one process needs; `app` is the ASGI application."""

    def __init__(self, settings: Settings) -> None:
        connections = settings.password_threads + LOOKUPS + READERS + 3
        self.engine = new_engine(settings.database_url, pool_size=connections)
        self.rpc = Rpc(settings.amqp_uri, settings.pending_calls, settings.turns_per_user, SERVICES, settings.vouched)
        others = {name: url for name, url in settings.health_urls.items() if name != settings.process}
        self.health = Health(self.engine, self.rpc, others, settings.health_port)
        self.signer = Signer(settings.signing_key_file)
        keys = Keys(settings.caller_keys_file, self.signer.public)
        tokens = Tokens(self.signer, keys)
        self.auth = Auth(self.engine, tokens, settings.password_threads, settings.sign_ins_waiting)
        provider = Client(settings.provider) if settings.provider else None
        self.oidc = OidcSignIn(self.auth, provider, self.signer)
        self.lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="directory")
        directory = Directory(self.engine, self.lookups)
        self.overseer = Overseer(self.rpc, self.signer, directory)
        self.tickets = Tickets(tokens, self.signer, keys, self.engine, self.lookups)
        self.own_writes = OwnWrites(self.engine, self.lookups, self.rpc.edges)
        companies = Companies(self.engine, self.lookups, self.own_writes)
        identifier = Identifier(tokens, directory, self.tickets, companies)
        self.streams = Streams(self.engine, identifier.principal)
        self.table = Table()
        self._add_own_routes()
        self._add_operations(Calls(self.rpc, self.signer, settings.deadline, identifier.renew, self.own_writes))
        buckets = Buckets(settings.rate_per_second, settings.rate_burst)
        bounds = Bounds(buckets, settings.calls_per_user, settings.waiters_per_user)
        denials = Denials(self.engine, self.lookups)
        lifespan, stops = Router(lifespan=self._lifespan), lambda: self.health.draining
        self.app = Edge(self.table, identifier, bounds, denials, Origins(settings.cors_origins), lifespan, stops)

    def _add_own_routes(self) -> None:
        add = self.table.add
        add(contract.sign_in, self.auth.sign_in)
        add(contract.revoke, self.auth.revoke)
        add(contract.accept_invitation, self.auth.accept_invitation)
        add(contract.start_oidc, self.oidc.start)
        add(contract.return_from_oidc, self.oidc.callback)
        add(contract.change_password, self.auth.change_password)
        add(contract.me, self.auth.me)
        add(contract.status, self.health.status)
        add(contract.stream_events, self.streams.stream)
        add(contract.create_stream_ticket, self.tickets.hand_out)
        catalogue = Catalogue()
        add(contract.list_event_types, catalogue.list_types)
        add(contract.get_event_type, catalogue.get_type)
        add(contract.get_event_schema, catalogue.get_schema)
        add(contract.list_resources, Resources())
        add(contract.page("/asyncapi.json"), openapi.Pages(asyncapi.documents()))
        add(contract.page("/livez"), self.health.livez)
        add(contract.page("/readyz"), self.health.readyz)
        add(contract.page("/metrics"), self.health.metrics)
        add(contract.page("/openapi.json"), openapi.Pages(openapi.documents()))
        add(contract.page("/docs/errors.json"), openapi.Page(refusing.document()))
        for path, file in pages.PAGES.items():
            add(contract.page(path), pages.Page(file))

    def _add_operations(self, calls: Calls) -> None:
        shared: dict[str, list[Forwarder]] = {}
        for declared in operations().values():
            for operation in declared.values():
                forwarder = Forwarder(operation, calls)
                if operation.everywhere:
                    shared.setdefault(operation.route, []).append(forwarder)
                else:
                    self.table.add(operation, noticed(operation, _endpoint(forwarder, calls)))
        for forwarders in shared.values():
            self.table.add(forwarders[0].operation, everywhere.endpoint(forwarders))
        for operation, endpoint in jobs.endpoints(calls):
            self.table.add(operation, endpoint)

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[None]:
        self.rpc.start()
        self.streams.hub.start()
        self.overseer.start()
        yield
        await self.overseer.stop()
        await self.streams.hub.stop()
        await self.rpc.stop()
        self.auth.close()
        self.lookups.shutdown(wait=False, cancel_futures=True)
        self.engine.dispose()


def _endpoint(forwarder: Forwarder, calls: Calls) -> Endpoint:
    """What answers an operation of a service: most are passed on as they are."""
    if forwarder.operation.derived == "import":
        return Importer(forwarder.operation, calls)
    if forwarder.operation.derived == "template":
        return jobs.Template(forwarder)
    return Lister(forwarder, calls) if forwarder.operation.listing else forwarder
